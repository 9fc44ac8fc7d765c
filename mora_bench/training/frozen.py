"""A frozen backbone's features of each modality alone: computed once for all cells of its weights and data, and kept
beside the decoded samples.

Samples are read one by one, on one thread, so that features are a function of weights and content (and, in the
last digits, of the kind of device), whoever else is in the data. A modality's features are the mean of its tokens after
the last block and its norm, where that modality alone is present in the network. Where a projection that was not
pre-trained stands before the blocks, they are the mean of the projection's inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.encoder import one_thread
from mora_bench.backbones.spec import Spec
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache
from mora_bench.data.batch import Batch
from mora_bench.data.progress import shown
from mora_bench.data.samples import Samples
from mora_bench.files import digest_json
from mora_bench.seeds import derive

#: Change it when the same weights and contents would give other features.
VERSION = 1

#: Float32 [N, F] of all N samples, by modality; of samples that lack it they mean nothing. Modalities that the backbone
#: does not embed are absent, and those that no sample has.
Features = dict[str, np.ndarray]


def features(cell: Cell, data: Samples, runtime: Runtime, reopen: Callable[[], None] = lambda: None) -> Features:
    """The features of decoded samples by a cell's backbone, computed or as an earlier call left them in the cache.

    Raises:
        UserError: the backbone cannot be loaded, or a file of the samples was written into meanwhile; then `reopen` is
            called before.
    """
    spec, most, seed = backbone_of(cell)
    device = torch.device(runtime.device)

    def write(folder: Path) -> None:
        backbone = backbones.load(spec, data.table.shape, most, seed).to(device)
        for name, values in computed(backbone, data, device).items():
            np.save(folder / f"{data.table.names.index(name)}.npy", values, allow_pickle=False)
        cache.check_unchanged(data, reopen)

    def opened(folder: Path) -> Features:
        files = {name: folder / f"{m}.npy" for m, name in enumerate(data.table.names)}
        return {name: np.load(f, allow_pickle=False) for name, f in files.items() if f.is_file()}

    return cache.stored(folder_of(cell, data.folders, runtime), write, opened, "computed anew")


def backbone_of(cell: Cell) -> tuple[Spec, int, int]:
    """A cell's backbone, the most tokens of a text, and the seed of weights that are drawn; 0 where they are not."""
    assert cell.decoded_for is not None
    spec = backbones.resolve(*cell.decoded_for)
    return spec, cell.decoded_for[1], 0 if spec.trained else derive(cell.seed, "backbone")


def folder_of(cell: Cell, decoded: Sequence[Path], runtime: Runtime) -> Path:
    """The folder of the features of samples that were decoded into folders, whose names identify their contents."""
    spec, most, seed = backbone_of(cell)
    samples = [folder.name for folder in decoded]
    known = [VERSION, samples, spec.family, spec.fingerprint, most, seed, torch.device(runtime.device).type]
    return runtime.cache / cache.FROZEN / digest_json(known)


def computed(backbone: Backbone, data: Samples, device: torch.device) -> Features:
    """The features of decoded samples by a backbone that is loaded."""
    arrays: Features = {}
    with one_thread(), torch.no_grad():
        for m, (name, kind) in enumerate(data.table.shape.items()):
            rows = np.flatnonzero(data.present[:, m])
            if kind not in backbone.kinds or not len(rows):
                continue
            alone = np.arange(len(data.table.names))[None] == m
            batches = (data.batch(rows[[k]], alone).to(device) for k in range(len(rows)))
            means = [_mean(backbone, m, b).cpu() for b in shown(batches, len(rows), f"{name} by the frozen backbone")]
            arrays[name] = np.zeros((len(data), len(means[0])), np.float32)
            arrays[name][rows] = torch.stack(means).numpy()
    return arrays


def _mean(backbone: Backbone, m: int, batch: Batch) -> Tensor:
    """The mean of the m-th modality's tokens, [F], of the one sample of a batch."""
    part = backbone.unprojected(batch.inputs[m])
    if part is not None:
        return part.x[part.mask].mean(0)
    stream = backbone.stream_of(m)
    tokens = backbone.join(backbone.embed(batch), batch.present)[stream]
    for block in range(backbone.depths[stream]):
        tokens = backbone.block(At(stream, block), tokens)
    return backbone.norm(stream, tokens.x)[(tokens.modality == m) & tokens.mask].mean(0)
