"""Serves batches to a model. Runs the frozen beginning once per sample and keeps its states if they fit."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from mora_bench.backbones import packing
from mora_bench.backbones.tokens import Tokens
from mora_bench.data.batch import Batch
from mora_bench.data.samples import View
from mora_bench.methods.network import BLOCKS, Model, PrefixState, State

#: Kept states may take this share of the free space: in the device's memory, in main memory, or on the disk that holds
#: temporary files. Free space is measured when a feed is made.
SHARE = 0.3


class Feed:
    """Serves the n samples of a view as states for `model.finish`.

    States are computed once and kept if all stages before block 0 are frozen and `probe.settle` found the frozen stages
    constant. They are kept without padding, in the first medium where they fit: the device's memory, main memory, a
    memory-mapped temporary file (only if blocks are among the frozen stages). Otherwise every batch goes through
    `model.begin`. Both ways give the same numbers.

    Args:
        keep: False if each sample is needed once, so that keeping its state is no use.
        autocast: makes the context in which the frozen stages run.
        few_lengths: whether sequences are padded to one of few lengths, because something is made for each.
    """

    def __init__(
        self,
        model: Model,
        view: View,
        batch: int,
        device: torch.device,
        keep: bool = True,
        autocast: Callable[[], AbstractContextManager] = nullcontext,
        few_lengths: bool = False,
    ):
        self.model = model
        self.few_lengths = few_lengths
        self.view = view
        self.device = device
        self.autocast = autocast
        self.reads_ahead = device.type == "cuda"
        self.kept: list[_Kept] = []
        if keep and model.shortcuts.constant and model.cut >= BLOCKS and len(view):
            self.kept = self._keep(batch)

    def _keep(self, batch: int) -> "list[_Kept]":
        """Compute the states of all samples and keep them, by stream; an empty list if they fit nowhere."""
        used = 0
        writers: list[_Writers] = []
        room = 0.0
        for start in range(0, len(self.view), batch):
            at = np.arange(start, min(start + batch, len(self.view)))
            state = self._begin(self.view.batch(at))
            columns = [_columns(state, s) for s in range(len(state.streams))]
            used += sum(column.nbytes for stream in columns for column in stream.values())
            expected = used / (at[-1] + 1) * len(self.view)
            if not writers:
                medium, room = self._place(expected)
                if medium is None:
                    return []
                writers = [_Writers(medium, self.device, list(stream)) for stream in columns]
            if expected > room:
                return []
            for writer, stream, tokens in zip(writers, columns, state.streams, strict=True):
                writer.add(stream, tokens)
        return [writer.close() for writer in writers]

    def _place(self, size: float) -> tuple[str | None, float]:
        """The fastest medium that has room for `size` bytes, and the most it may take; (None, 0) if there is none."""
        for medium, free in _room(self.device).items():
            # Embeddings alone are computed as fast as they are read from disk.
            if size < SHARE * free and (medium != "disk" or self.model.cut > BLOCKS):
                return medium, SHARE * free
        return None, 0.0

    def _begin(self, batch: Batch) -> State:
        with self.autocast():
            return self.model.begin(batch.to(self.device))

    def state(self, at: np.ndarray) -> State:
        """The state of the samples at positions `at`, as `model.begin` gives it."""
        if not self.kept:
            return self._served(self._begin(self.view.batch(at)))
        streams, ahead = zip(*(stream.batch(at, self.device) for stream in self.kept), strict=True)
        return self._served(PrefixState(streams, () if ahead[0] is None else ahead))

    def _served(self, state: State) -> State:
        """Before block 0 is reached there are no sequences yet, and lengths stay as they are."""
        return state.padded(rounded) if self.few_lengths and isinstance(state, PrefixState) else state

    def states(self, batches: Sequence[np.ndarray]) -> Iterator[State]:
        """The state of each batch of positions, in order. A GPU's next batch is read while it computes this one."""
        if self.kept or not self.reads_ahead:
            yield from map(self.state, batches)
            return
        if not batches:
            return
        with ThreadPoolExecutor(1) as reader:
            following = reader.submit(self._read, batches[0])
            for k in range(len(batches)):
                batch = following.result()
                if k + 1 < len(batches):
                    following = reader.submit(self._read, batches[k + 1])
                yield self._served(self._begin(batch))

    def _read(self, at: np.ndarray) -> Batch:
        batch = self.view.batch(at)
        return batch.pinned() if self.device.type == "cuda" else batch

    def in_order(self, batch: int) -> Iterator[State]:
        """The states of all samples in the view's order, `batch` samples at a time."""
        return self.states(np.split(np.arange(len(self.view)), range(batch, len(self.view), batch)))


def rounded(length: int) -> int:
    """The next of few lengths that is not shorter: 1, 16, 32, ... 256, then eight in each doubling."""
    if length == 1:
        return 1
    step = 1 << max((length - 1).bit_length() - 4, 4)
    return -(-length // step) * step


def _room(device: torch.device) -> dict[str, int]:
    """Free bytes by medium, the fastest first. Without a GPU there is no device memory beside the host's."""
    import psutil

    room = {"device": torch.cuda.mem_get_info(device)[0]} if device.type == "cuda" else {}
    return room | {
        "host": psutil.virtual_memory().available,
        "disk": shutil.disk_usage(tempfile.gettempdir()).free,
    }


def _columns(state: PrefixState, stream: int) -> dict[str, Tensor]:
    """The kept columns of a batch, by name: one row per token without padding, [N, ...].

    `ahead` has one row per sample where only the first token was computed ahead.
    """
    tokens = state.streams[stream]
    columns = {"x": tokens.x[tokens.mask], "modality": tokens.modality[tokens.mask]}
    if state.ahead:
        ahead = state.ahead[stream]
        columns["ahead"] = ahead[tokens.mask] if ahead.shape == tokens.x.shape else ahead[:, 0]
    return columns


class _Writers:
    """Collects the columns of one stream, batch by batch."""

    def __init__(self, medium: str, device: torch.device, columns: list[str]):
        self.columns = {name: _WRITERS[medium](device) for name in columns}
        self.lengths: list[np.ndarray] = []
        self.present: list[Tensor] = []

    def add(self, columns: dict[str, Tensor], tokens: Tokens) -> None:
        for name, column in columns.items():
            self.columns[name].add(column)
        self.lengths.append(tokens.mask.sum(1).cpu().numpy())
        self.present.append(tokens.present)

    def close(self) -> "_Kept":
        closed = {name: writer.close() for name, writer in self.columns.items()}
        return _Kept(closed, torch.cat(self.present), np.concatenate(self.lengths))


class _InMemory:
    """Collects rows in the memory of a device."""

    def __init__(self, device: torch.device):
        self.device = device
        self.rows: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        self.rows.append(rows.to(self.device))

    def close(self) -> Tensor:
        """All rows, followed by one row of zeros."""
        return torch.cat([*self.rows, torch.zeros_like(self.rows[0][:1])])


class _OnHost(_InMemory):
    """Collects rows in main memory."""

    def __init__(self, device: torch.device):
        super().__init__(torch.device("cpu"))


class _OnDisk:
    """Collects rows in a temporary file. `close` maps it to a tensor; the file is deleted with that tensor."""

    def __init__(self, device: torch.device):
        self.file = tempfile.NamedTemporaryFile(prefix="mora_bench-")  # noqa: SIM115 (closed in `close`)
        self.last = torch.empty(0)

    def add(self, rows: Tensor) -> None:
        self.last = rows[:1].cpu()
        self.file.write(rows.cpu().contiguous().view(torch.uint8).numpy().tobytes())

    def close(self) -> Tensor:
        """All rows, followed by one row of zeros."""
        self.add(torch.zeros_like(self.last))
        self.file.flush()
        size = self.file.tell() // self.last.element_size()
        mapped = torch.from_file(self.file.name, shared=True, size=size, dtype=self.last.dtype)
        self.file.close()
        return mapped.view(-1, *self.last.shape[1:])


_WRITERS: dict[str, type[_InMemory] | type[_OnDisk]] = {"device": _InMemory, "host": _OnHost, "disk": _OnDisk}


class _Kept:
    """The kept states of n samples with N tokens in all: tokens without padding, sample after sample.

    Args:
        columns: x [N + 1, D], modality int8 [N + 1], and ahead, [N + 1, D] or [n + 1, D]; the last row is zeros.
        present: bool [n, M].
        lengths: int [n], number of tokens of each sample.
    """

    def __init__(self, columns: dict[str, Tensor], present: Tensor, lengths: np.ndarray):
        self.columns = columns
        self.present = present
        self.lengths = lengths
        self.starts = np.cumsum([0, *lengths[:-1]])
        self.nothing = int(lengths.sum())

    def batch(self, at: np.ndarray, device: torch.device) -> tuple[Tokens, Tensor | None]:
        """The samples at positions `at`, padded to the longest of them, and what was computed ahead, if anything."""
        lengths = self.lengths[at]
        positions = np.arange(lengths.max())
        filled = positions < lengths[:, None]
        index = torch.from_numpy(np.where(filled, self.starts[at, None] + positions, self.nothing))
        rows, mask = torch.from_numpy(at), torch.from_numpy(filled).to(device)
        columns = {
            # One row per token, or one per sample where only [CLS] is kept.
            name: _rows(column, index if len(column) > self.nothing else rows[:, None], device)
            for name, column in self.columns.items()
        }
        if filled.all():
            packing.remember(mask, packing.one_run(mask, even=True))
        present = _rows(self.present, rows, device)
        return Tokens(columns["x"], mask, present, columns["modality"].masked_fill(~mask, -1)), columns.get("ahead")


def _rows(column: Tensor, index: Tensor, device: torch.device) -> Tensor:
    """Select rows: column [N, ...] and index int64 [B, ...] -> [B, ..., ...] on `device`."""
    rows = column.index_select(0, index.flatten().to(column.device))
    return rows.to(device, non_blocking=True).unflatten(0, index.shape)
