"""Changes of a results folder, one at a time: by accident to any file of it, or by a hand that mends one link."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import msgspec
import numpy as np
from safetensors.numpy import load, save

from mora_bench.files import digest
from mora_bench.records import adapters, pack
from mora_bench.records.documents import Documents
from mora_bench.records.encoding import encode
from mora_bench.records.schema import OLDER, Record
from mora_bench.records.store import Store


@dataclass(frozen=True)
class Change:
    """What is done to a folder; `scores_alone`: only scoring the predictions again can find it out; `index`: a
    packed file vouches for documents that do not vouch for themselves, so that a grid, which reads its index alone,
    believes other than a report, and `verify` must say so."""

    name: str
    make: Callable[[Path, random.Random], None]
    folders: tuple[str, ...] = ("loose", "packed")
    scores_alone: bool = False
    index: bool = False


@dataclass(frozen=True)
class Target:
    """Files of one kind, by their patterns below a folder."""

    name: str
    patterns: tuple[str, ...]

    def changed(self, how: Callable[[Path, Path, random.Random], None], folder: Path, rng: random.Random) -> None:
        """Change one of the files; `how` is given it and another one of its kind."""
        files = sorted(file for pattern in self.patterns for file in folder.glob(pattern))
        file = rng.choice(files)
        alike = [one for one in files if one != file and one.suffix == file.suffix] or [
            one for one in files if one != file
        ]
        how(file, rng.choice(alike or sorted(folder.glob("*.parquet"))), rng)


#: Of a cache of decoded data, which lies elsewhere.
CACHE = Target("cache", ("samples/*/*/*", "samples/*/manifest.json"))
TARGETS = [
    Target("scores", ("scores/*.json", "scores.parquet")),
    Target("records", ("records/*.json", "records.parquet")),
    Target("splits", ("splits/*.json", "splits.parquet")),
    Target("predictions", ("predictions/*.safetensors",)),
    Target("adapters", ("adapters/*/*",)),
    Target("tables", ("tables/*", "report.html")),
]


def one_bit(file: Path, other: Path, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(bytes(content))


def cut(file: Path, other: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: rng.randrange(len(content))])


def longer(file: Path, other: Path, rng: random.Random) -> None:
    file.write_bytes(file.read_bytes() + rng.choice([b"\0", b" ", b"\n", b"{}"]))


def emptied(file: Path, other: Path, rng: random.Random) -> None:
    file.write_bytes(b"")


def swapped(file: Path, other: Path, rng: random.Random) -> None:
    one, two = file.read_bytes(), other.read_bytes()
    file.write_bytes(two)
    other.write_bytes(one)


def anothers(file: Path, other: Path, rng: random.Random) -> None:
    file.write_bytes(other.read_bytes())


def removed(file: Path, other: Path, rng: random.Random) -> None:
    file.unlink()


def a_folder(file: Path, other: Path, rng: random.Random) -> None:
    file.unlink()
    file.mkdir()


def linked_to_a_copy(file: Path, other: Path, rng: random.Random) -> None:
    """Elsewhere, as it is or with one bit changed."""
    copy = _elsewhere(file)
    shutil.move(file, copy)
    if rng.random() < 0.7:
        one_bit(copy, other, rng)
    file.symlink_to(copy)


def linked_to_another(file: Path, other: Path, rng: random.Random) -> None:
    file.unlink()
    file.symlink_to(other)


def linked_to_nowhere(file: Path, other: Path, rng: random.Random) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def its_folder_linked(file: Path, other: Path, rng: random.Random) -> None:
    """The folder that it lies in is a link to a copy, in which the file is another; a file of the top is one itself."""
    if file.suffix in (".parquet", ".html"):
        return linked_to_a_copy(file, other, rng)
    parent, copy = file.parent, _elsewhere(file.parent)
    one_bit(file, other, rng)
    shutil.move(parent, copy)
    parent.symlink_to(copy)
    return None


def _elsewhere(file: Path) -> Path:
    root = next(parent for parent in file.parents if (parent / "elsewhere").is_dir())
    return root / "elsewhere" / file.name


BLIND = [
    one_bit, one_bit, one_bit, cut, longer, emptied, swapped, anothers, removed, a_folder, linked_to_a_copy,
    linked_to_another, linked_to_nowhere, its_folder_linked,
]  # fmt: skip


def put(folder: Path, kind: str, name: str, content: bytes) -> None:
    """Write a document where it lies: packed ones are packed anew, and signed."""
    documents = Documents(folder, kind)
    known = documents.pack()
    if known is None or documents.file(name).exists():
        documents.write(name, content)
    else:
        documents.packed.write_bytes(pack.packed(dict(known.documents()) | {name: content}))


def some_record(folder: Path, rng: random.Random, trained: bool = False) -> Record:
    records = [record for record in Store(folder).records()[0] if record.adapter or not trained]
    return rng.choice(records)


def record_with(folder: Path, record: Record, **changes: object) -> None:
    put(folder, "records", record.key, encode(msgspec.structs.replace(record, **changes)))


def predictions(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng)
    file = Store(folder).prediction_file(record.cell)
    arrays = load(file.read_bytes())
    logits = np.array(arrays["test_logits"])
    logits[rng.randrange(len(logits))] *= -1
    content = save(arrays | {"test_logits": np.ascontiguousarray(logits)})
    file.write_bytes(content)
    record_with(folder, record, predictions=digest([content]))


def adapter(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng, trained=True)
    store = Store(folder)
    for file in store.adapter_folder(record.cell).glob("*.safetensors"):
        file.write_bytes(
            save({name: np.ascontiguousarray(-tensor) for name, tensor in load(file.read_bytes()).items()})
        )
    files = adapters.read(store.adapter_folder(record.cell))
    record_with(folder, record, adapter=adapters.identity(files))


def adapter_dropped(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng, trained=True)
    shutil.rmtree(Store(folder).adapter_folder(record.cell))
    record_with(folder, record, adapter="")


def split(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng)
    ((name, content),) = Store(folder).splits_of(record).items()
    lists = json.loads(content)
    part = next(side for side, ids in lists.items() if isinstance(ids, list) and len(ids) > 1)
    lists[part] = lists[part][1:]
    changed = (json.dumps(lists, indent=1) + "\n").encode()
    named = f"{name.rpartition('-')[0]}-{digest([changed])}"
    put(folder, "splits", named, changed)
    record_with(folder, record, split=named)


def learning_rate(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng, trained=True)
    recipe = dataclasses.replace(record.cell.recipe, lr=0.5)
    record_with(folder, record, cell=dataclasses.replace(record.cell, recipe=recipe))


def cost(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng, trained=True)
    record_with(folder, record, flops=msgspec.structs.replace(record.flops, forward=1.0))


def best_score(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng, trained=True)
    record_with(folder, record, training=msgspec.structs.replace(record.training, best_score=0.99))


def title(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng)
    record_with(folder, record, competitor=msgspec.structs.replace(record.competitor, title="ours", family="ours"))


def labels(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng, trained=True)
    record_with(folder, record, data=msgspec.structs.replace(record.data, labels=record.data.labels[::-1]))


def failed(folder: Path, rng: random.Random) -> None:
    record_with(folder, some_record(folder, rng), status="failed", error="it failed")


def left_out(folder: Path, rng: random.Random) -> None:
    record = some_record(folder, rng)
    Store(folder).prediction_file(record.cell).unlink()
    record_with(folder, record, predictions="", without="predictions, split", split="")


def older_record(folder: Path, rng: random.Random) -> None:
    record_with(folder, some_record(folder, rng), schema=OLDER)


def older_record_that_names_nothing(folder: Path, rng: random.Random) -> None:
    record_with(folder, some_record(folder, rng), schema=OLDER, predictions="", split="", adapter="")


def _scores(folder: Path, rng: random.Random, **changes: object) -> None:
    chosen = rng.choice(Store(folder).scores()[0])
    put(folder, "scores", chosen.score_key, encode(msgspec.structs.replace(chosen, **changes)))


def score(folder: Path, rng: random.Random) -> None:
    chosen = rng.choice(Store(folder).scores()[0])
    for setting in chosen.test.values():
        setting.scores["f1_macro"] = 0.75
    put(folder, "scores", chosen.score_key, encode(chosen))


def scores_of_another_record(folder: Path, rng: random.Random) -> None:
    _scores(folder, rng, record="0" * 16)


def older_scores(folder: Path, rng: random.Random) -> None:
    _scores(folder, rng, schema=OLDER)


def scores_that_name_nothing(folder: Path, rng: random.Random) -> None:
    _scores(folder, rng, record="")


def _text(folder: Path, rng: random.Random, change: Callable[[dict], object]) -> None:
    kind = rng.choice(["records", "scores"])
    documents = Documents(folder, kind)
    name = rng.choice(sorted(documents.names()))
    raw = json.loads(documents.read(name))
    change(raw)
    put(folder, kind, name, (json.dumps(raw, indent=1) + "\n").encode())


def digest_emptied(folder: Path, rng: random.Random) -> None:
    _text(folder, rng, lambda raw: raw.update(digest=""))


def digest_dropped(folder: Path, rng: random.Random) -> None:
    _text(folder, rng, lambda raw: raw.pop("digest"))


def older_and_unsigned(folder: Path, rng: random.Random) -> None:
    _text(folder, rng, lambda raw: raw.update(schema=OLDER, digest=""))


def another_name(folder: Path, rng: random.Random) -> None:
    kind = rng.choice(["records", "scores", "splits"])
    documents = Documents(folder, kind)
    name = rng.choice(sorted(documents.names()))
    put(folder, kind, "f" * 16 + name[16:] if kind != "splits" else f"x{name}", documents.read(name))


def a_row(folder: Path, rng: random.Random) -> None:
    """One number of a packed document, with the group and the index signed again, and not the document."""
    documents = Documents(folder, rng.choice(["records", "scores"]))
    known = dict(documents.pack().documents())
    name = rng.choice(sorted(known))
    numbers = [
        at for at in range(len(known[name])) if known[name][at : at + 1].isdigit() and known[name][at - 1 : at] == b"."
    ]
    at = rng.choice(numbers)
    other = b"%d" % ((int(known[name][at : at + 1]) + 1) % 10)
    known[name] = known[name][:at] + other + known[name][at + 1 :]
    documents.packed.write_bytes(pack.packed(known))


def _index(folder: Path, rng: random.Random, change: Callable[[dict], dict]) -> None:
    documents = Documents(folder, rng.choice(["records", "scores"]))
    known = dict(documents.pack().documents())
    chosen, top = rng.choice(sorted(known)), pack.top
    with mock.patch.object(pack, "top", lambda raw: change(top(raw)) if raw == known[chosen] else top(raw)):
        documents.packed.write_bytes(pack.packed(known))


def status_in_the_index(folder: Path, rng: random.Random) -> None:
    _index(folder, rng, lambda fields: fields | {"status": "failed", "score_key": "x"})


def digest_in_the_index(folder: Path, rng: random.Random) -> None:
    _index(folder, rng, lambda fields: fields | {"digest": "0" * 16, "record": "0" * 16})


def index_without_a_top(folder: Path, rng: random.Random) -> None:
    _index(folder, rng, lambda fields: {})


def missing_in_the_pack(folder: Path, rng: random.Random) -> None:
    documents = Documents(folder, rng.choice(["records", "scores", "splits"]))
    known = dict(documents.pack().documents())
    known.pop(rng.choice(sorted(known)))
    if known:
        documents.packed.write_bytes(pack.packed(known))
    else:
        documents.packed.unlink()


CLEVER = [
    *(
        Change(f"a hand: {make.__name__}", make)
        for make in (
            predictions, adapter, adapter_dropped, split, learning_rate, cost, best_score, title, labels, failed,
            left_out, older_record, older_record_that_names_nothing, scores_of_another_record, older_scores,
            digest_emptied, scores_that_name_nothing, digest_dropped, older_and_unsigned, another_name,
        )
    ),
    Change("a hand: score", score, scores_alone=True),
    *(
        Change(f"a hand: {make.__name__}", make, ("packed",), index=make is not missing_in_the_pack)
        for make in (a_row, status_in_the_index, digest_in_the_index, index_without_a_top, missing_in_the_pack)
    ),
]  # fmt: skip
