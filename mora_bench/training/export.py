"""Writes what a cell trained, as files that other programs can load.

adapter_model.safetensors   the adapter and the pooler, under the `peft` library's names where the method has them
adapter_config.json         what `PeftModel.from_pretrained` reads; or, for other methods, the cell
classifier.safetensors      the classifier: Linear(D, 2D), LayerNorm, GELU, Linear(2D, C); or one attention a label; or
                            with loss cox a last layer of one risk and C biases (methods/proportional.py)
projection.safetensors      what makes tokens of pictures' features, if the backbone has that
imputer.safetensors         what stands in for what is missing, if that is more than the dummy
trained.safetensors         every trained parameter under its own name, for `mora_bench predict`
inference.json              what else prediction depends on: labels, modalities, text positions, picture sizes, imputer
README.md                   a model card
"""

import json
from dataclasses import asdict
from typing import Any

import msgspec
import torch
from safetensors.torch import save

from mora_bench.backbones import load as backbones
from mora_bench.data.modalities.features import FeatureRule
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.methods.network import Model
from mora_bench.records.schema import Record, Scores
from mora_bench.report.caption import READ
from mora_bench.report.markdown import escaped
from mora_bench.tasks.named import metric_of
from mora_bench.text import percent, visible

#: Prefix of the wrapped model's parameter names in the peft library.
PREFIX = "base_model.model."
#: The imputer that changes nothing, so that other programs need none.
PLAIN = "dummy"


def exported(model: Model, record: Record, scores: Scores) -> dict[str, bytes]:
    """The files by name."""
    export = model.method.export()
    tensors: dict[str, torch.Tensor]
    if export is None:
        tensors = {name: tensor for name, tensor in model.trained().items() if not name.startswith("head.")}
        config = {"mora_bench": msgspec.to_builtins(record.cell)}
    else:
        peft_config, adapter = export
        tensors = {PREFIX + name: tensor for name, tensor in adapter.items()}
        pooler = {model.backbone.pooler_path(name): tensor for name, tensor in model.pooler.named_parameters()}
        tensors.update((PREFIX + path, tensor) for path, tensor in pooler.items())
        peft_config.modules_to_save = sorted({path.partition(".")[0] for path in pooler}) or None
        peft_config.inference_mode = True
        config = _plain(peft_config.to_dict() | {"base_model_name_or_path": record.cell.backbone})
    state = model.imputer.state_dict()
    contents = {"adapter_model": tensors, "classifier": model.head.state_dict(), "trained": model.trained()}
    contents |= {"imputer": state} if state else {}
    contents |= {} if model.projection is None else {"projection": model.projection.state_dict()}
    files = {}
    for name, content in contents.items():
        plain = {key: tensor.detach().cpu().contiguous() for key, tensor in content.items()}
        files[f"{name}.safetensors"] = save(plain)
    files["inference.json"] = (json.dumps(inference(record), indent=2) + "\n").encode()
    files["adapter_config.json"] = (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()
    not_plain = f"{model.backbone.title} {model.backbone.not_plain}" if model.backbone.not_plain else ""
    loadable = export is not None and record.cell.impute == PLAIN and not not_plain
    return files | {"README.md": card(record, scores, loadable, bool(state), not_plain).encode()}


def inference(record: Record) -> dict[str, Any]:
    """The settings that a prediction depends on beside the weights."""
    cell = record.cell
    assert record.data is not None
    assert cell.recipe is not None
    rule = backbones.resolve(cell.backbone, cell.recipe.max_text).rules.get("image")
    settings: dict[str, Any] = {"features": asdict(rule)} if isinstance(rule, FeatureRule) else {}
    settings |= {"readout": cell.recipe.readout} if cell.recipe.readout else {}
    settings |= {"loss": cell.recipe.loss} if cell.recipe.loss else {}
    return settings | {
        "labels": record.data.labels,
        "task": cell.task,
        "modalities": list(cell.modalities),
        "max_text": cell.recipe.max_text,
        "impute": cell.impute,
        "backbone": cell.backbone,
        "weights": cell.weights,
        "pictures": vars(rule) if isinstance(rule, ImageRule) else None,
    }


def _plain(value: Any) -> Any:
    """Sets and enumeration members as JSON has them."""
    if isinstance(value, dict):
        return {str(name): _plain(v) for name, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_plain(v) for v in value)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value.value) if hasattr(value, "value") else value


def card(record: Record, scores: Scores, loadable: bool, imputer_saved: bool = False, not_plain: str = "") -> str:
    """The model card: what it is, how it was trained, how good it is, how to load it.

    Args:
        loadable: whether plain libraries can run it; imputer_saved: whether a file holds what the imputer learned.
        not_plain: why plain libraries cannot run what is trained on this backbone, "" if they can.
    """
    cell = record.cell
    assert record.data is not None
    kind = "real data" if cell.source == "real" else "an embedded twin: drawings, not patients"
    axes = [f"rank {cell.rank}"] * (cell.rank is not None)
    axes += [f"blocks {', '.join(map(str, cell.blocks or ()))}"] * (cell.blocks is not None)
    axes += [escaped(f"{name} {value}") for name, value in cell.knobs]
    rows = {pattern: setting.scores.get(scores.primary) for pattern, setting in scores.test.items()}
    metric = metric_of(scores.task, scores.primary)
    shown = {escaped(p): metric.shown(value) for p, value in rows.items() if isinstance(value, float)}
    table = "\n".join(f"| {p} | {value} |" for p, value in shown.items())
    readout = cell.recipe.readout if cell.recipe else ""
    gaps = f"| gaps in signals | {escaped(cell.gaps_in_words)} |\n" if cell.gaps_in_words else ""
    read = f"| what is read | {READ[readout]} |\n" if readout else ""
    if loadable:
        how = (
            "`peft.PeftModel.from_pretrained` after `from mora_bench.api import MoraConfig`; the classifier is in "
            "`classifier.safetensors`, and what makes tokens of pictures' features, if the backbone reads such, in "
            "`projection.safetensors`. docs/own.md of mora_bench has a script for ViLT."
        )
    elif cell.impute != PLAIN:
        where = "from `imputer.safetensors`" if imputer_saved else "and what it learned is kept nowhere"
        how = f"plain libraries cannot: `{cell.impute}` stands in for what is missing before block 0, {where}."
    elif not_plain:
        how = f"plain libraries cannot as they are: {not_plain}."
    else:
        how = "the peft library does not know this method; the names are those of mora_bench's own model."
    taken = f"{escaped(cell.missing)} missing at {percent(cell.rate)}"
    return f"""---
library_name: {"peft" if loadable else "mora_bench"}
base_model: {json.dumps(cell.backbone)}
---

# {escaped(f"{cell.method} on {cell.dataset}")}

Trained by mora_bench on {kind}. Not for diagnosing anybody.

| | |
|---|---|
| method | {", ".join([escaped(cell.method), *axes])} |
| backbone | {visible(cell.backbone)}, weights {cell.weights} |
{read}| training mask | {taken}, stood in for by {escaped(cell.impute)} |
{gaps}| data, split, seed | {cell.data}, {cell.split}, {cell.seed} |
| labels | {", ".join(map(escaped, record.data.labels))} |
| contents | {escaped(json.dumps(record.data.contents))} |

Test {metric.heading} ({metric.direction}), missing at {percent(scores.test_rate)}:

| missing | {metric.heading} |
|---|---|
{table}

To load: {how}
"""
