"""The public names of mora_bench: what a plug-in or a script imports, and nothing else.

Each name is imported on first use, so that a file that defines a table needs no torch.
"""

from importlib import import_module
from typing import Any

_WHERE = {
    "mora_bench.errors": ("UserError",),
    "mora_bench.seeds": ("rng", "derive"),
    "mora_bench.data.contract": ("Dataset",),
    "mora_bench.data.table": ("Table", "Column"),
    "mora_bench.data.batch": ("Batch", "Inputs"),
    "mora_bench.data.samples": ("Samples", "View"),
    "mora_bench.data.shown": ("Shown",),
    "mora_bench.data.modalities.contract": ("Modality", "Content", "Rule"),
    "mora_bench.data.modalities.text": ("TextRule", "TextInputs"),
    "mora_bench.data.modalities.image": ("Picture", "PictureFile", "ImageInputs"),
    "mora_bench.data.modalities.pictures": ("ImageRule", "side_by_side"),
    "mora_bench.data.modalities.signal": ("Series", "Signal"),
    "mora_bench.data.readers.own": ("own_table",),
    "mora_bench.data.readers.dicom": ("DicomFile", "dicom_series"),
    "mora_bench.data.readers.nifti": ("NiftiSlice", "nifti_slices"),
    "mora_bench.data.readers.picture_paths": ("views",),
    "mora_bench.data.readers.window": ("Window",),
    "mora_bench.tasks.contract": ("Task", "finite_logit"),
    "mora_bench.tasks.metric": ("Metric",),
    "mora_bench.tasks.shared": ("Shared",),
    "mora_bench.missing.contract": ("Mechanism", "Context"),
    "mora_bench.missing.gaps.contract": ("GapMechanism",),
    "mora_bench.backbones.contract": ("Backbone", "At", "ROLES"),
    "mora_bench.backbones.spec": ("Spec",),
    "mora_bench.backbones.vilt": ("extend_positions",),
    "mora_bench.backbones.bridge_towers": ("split_attention",),
    "mora_bench.backbones.tokens": ("Part", "Tokens", "concatenated", "texts_first"),
    "mora_bench.backbones.blocks": ("Packed", "Block"),
    "mora_bench.backbones.load": ("resolve",),
    "mora_bench.data.modalities.wordpiece": ("open_tokenizer",),
    "mora_bench.methods.contract": ("Method", "InBlocks", "Place", "Axes", "Frozen", "EMBEDDINGS"),
    "mora_bench.methods.imputer": ("Imputer",),
    "mora_bench.methods.predictor": ("Predictor",),
    "mora_bench.methods.mora": ("Mora",),
    "mora_bench.methods.network": ("classifier",),
    "mora_bench.methods.readout": ("LabelAttention",),
    # Importing this registers MoRA with the peft library.
    "mora_bench.methods.peft": ("MoraConfig",),
    "mora_bench.engines.contract": ("Engine", "Bundle", "Work", "Lost"),
    "mora_bench.report.contract": ("Artefact", "Results"),
    "mora_bench.trackers.contract": ("Tracker", "Run"),
    "mora_bench.records.store": ("Store",),
    "mora_bench.cells.cell": ("Cell", "Scoring"),
    "mora_bench.cells.recipe": ("Recipe",),
    "mora_bench.cells.runtime": ("Runtime",),
    "mora_bench.plan.grid": ("Grid",),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE)  # noqa: PLE0605 (a list, if one that is computed)


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"mora_bench.api has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_MODULE[name]), name)


def __dir__() -> list[str]:
    return __all__
