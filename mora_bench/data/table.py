"""A dataset as published: ids, labels, and what each sample has of each modality. Nothing is decoded yet."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from mora_bench import registry, seeds
from mora_bench.files import DIGITS, FileHashes, axis, digest_json, identity

if TYPE_CHECKING:
    from mora_bench.data.modalities.contract import Modality

#: Change it when a reader turns the same files into other samples.
READER_VERSION = 1
#: The names and kinds of modalities that a fingerprint leaves out. A change here changes fingerprints.
FIRST_SHAPE = [("text", "text"), ("image", "image")]
#: The kinds of content that are pictures.
PICTURES = ("image", "bag")


@dataclass(frozen=True)
class Column:
    """One modality of N samples.

    Attributes:
        kind: a registered kind of content: "text", "image", ...
        values: N values as that kind has them, None where a sample has none (*natural* missingness).
    """

    kind: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """N samples with C labels.

    Attributes:
        name: of the dataset.
        source: whether these are patients or the project's own drawings.
        labels: the C class names.
        ids: N unique names, as the dataset calls its samples.
        patients: N names; samples of one patient never fall on two sides of a split.
        inseparable: further groupings, N names each, "" for none: samples of one name, and all of their patients',
            never fall on two sides either.
        modalities: M columns by name; their order is the order of modalities everywhere.
        targets: uint8 [N, C], 0 or 1; float64 [N, columns] for a task that names columns of its own (`Task.columns`).
        covariates: N values per name, e.g. age; for mechanisms of missingness, never for a model.
        task: a registered task.
        official: of each sample its side in the split that the data were published with, "train", "val" or "test"; ()
            if there is none.
        weights: of each sample how much it counts in training, in proportion; () where all count alike. No score
            reads them.
    """

    name: str
    source: Literal["real", "twin"]
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    patients: tuple[str, ...]
    modalities: dict[str, Column]
    targets: np.ndarray
    covariates: dict[str, tuple] = field(default_factory=dict)
    task: str = axis("multi-label")
    inseparable: tuple[tuple[str, ...], ...] = axis(())
    official: tuple[str, ...] = axis(())
    weights: tuple[float, ...] = axis(())

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modalities, in order."""
        return tuple(self.modalities)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the modalities, in order."""
        return tuple(self.shape.values())

    @property
    def shape(self) -> dict[str, str]:
        """The kind of each modality, by name, in order."""
        return {name: column.kind for name, column in self.modalities.items()}

    def kind(self, name: str) -> Modality:
        """The kind of content of one modality."""
        return registry.get(registry.MODALITIES, self.modalities[name].kind)()

    @cached_property
    def tokens(self) -> np.ndarray:
        """uint64 [N], read-only: a number for each sample, from its id alone."""
        numbers = seeds.tokens(self.ids)
        numbers.flags.writeable = False
        return numbers

    @cached_property
    def together(self) -> tuple[str, ...]:
        """The name of each sample's group that must not be parted: its patient, or, where a further grouping
        joins several patients, the one of them whose name comes first."""
        return joined(self.patients, self.inseparable) if self.inseparable else self.patients

    @cached_property
    def group_tokens(self) -> np.ndarray:
        """uint64 [N], read-only: of each sample the number of its group that must not be parted, from its name."""
        if self.together == self.ids:
            return self.tokens
        numbers = seeds.tokens(self.together)
        numbers.flags.writeable = False
        return numbers

    @cached_property
    def covariates_digest(self) -> str:
        """The digest of the covariates, which `fingerprint` leaves out; "" without."""
        known = [[name, list(map(str, values))] for name, values in sorted(self.covariates.items())]
        return digest_json(known) if known else ""

    @cached_property
    def present(self) -> np.ndarray:
        """bool [N, M], read-only: what really exists."""
        columns = []
        for name, column in self.modalities.items():
            exists = self.kind(name).exists
            columns.append([value is not None and exists(value) for value in column.values])
        present = np.array(columns, bool).T
        present.flags.writeable = False
        return present

    def having(self, *kinds: str) -> np.ndarray:
        """bool [N]: which samples have content of one of these kinds."""
        return np.logical_or.reduce(self.present[:, np.isin(self.kinds, kinds)], axis=1)

    @property
    def by_label(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The C labels, and uint8 [N, C], which are true of each sample; no labels, and [N, 0], where the task's
        targets do not say it of every sample."""
        if registry.made(registry.TASKS, self.task).columns:
            return (), np.zeros((len(self), 0), np.uint8)
        return self.labels, self.targets

    @cached_property
    def summaries(self) -> np.ndarray:
        """float [N, M], read-only: one number for each content (`Modality.summary`), NaN where there is none.

        Raises:
            UserError: a content cannot be read, or its kind has no summary.
        """
        summaries = np.full((len(self), len(self.modalities)), np.nan)
        for m, (name, column) in enumerate(self.modalities.items()):
            summary = self.kind(name).summary
            for row in np.flatnonzero(self.present[:, m]):
                summaries[row, m] = summary(column.values[row])
        summaries.flags.writeable = False
        return summaries

    def only(self, rows: np.ndarray) -> Self:
        """The samples of the given row numbers."""
        if len(rows) == len(self):
            return self

        def chosen(values: tuple) -> tuple:
            return tuple(values[row] for row in rows)

        return replace(
            self,
            ids=chosen(self.ids),
            patients=chosen(self.patients),
            modalities={n: Column(c.kind, chosen(c.values)) for n, c in self.modalities.items()},
            targets=self.targets[rows],
            covariates={name: chosen(values) for name, values in self.covariates.items()},
            inseparable=tuple(map(chosen, self.inseparable)),
            official=chosen(self.official) if self.official else (),
            weights=chosen(self.weights) if self.weights else (),
        )

    def fingerprint(self, hashes: FileHashes | None = None) -> str:
        """16 hex digits over everything that reaches a model or a score, contents included.

        Covariates are left out, because mechanisms that read them add a digest of their own. It tells apart what cells
        were trained on, and nothing is drawn from it. A new field of the table must not change it for tables that do
        not use it.
        """
        hasher = hashlib.sha256()
        shape = self.shape
        first = shape.get("text") == "text"
        texts = self.modalities["text"].values if first else None
        head = [READER_VERSION, self.name, self.source, self.labels, self.ids, self.patients, texts]
        hasher.update(json.dumps(head).encode())
        kind = np.float64 if registry.made(registry.TASKS, self.task).columns else np.uint8
        hasher.update(np.ascontiguousarray(self.targets, kind).tobytes())
        covered = {"name", "source", "labels", "ids", "patients", "modalities", "targets", "covariates"}
        more = identity(self, leave_out=covered) | (
            {} if list(shape.items()) == FIRST_SHAPE else {"modalities": list(shape.items())}
        )
        if more:
            hasher.update(json.dumps(more, sort_keys=True).encode())
        for name, column in self.modalities.items():
            if name == "text" and first:
                continue
            for content in self.kind(name).contents(column.values, hashes):
                hasher.update(content)
        return hasher.hexdigest()[:DIGITS]


def joined(patients: tuple[str, ...], groupings: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """For each of N samples the first name, in the order of text, among the patients that `groupings`, N names each,
    join with its own, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # In the order of text, so that the first of a component has its smallest number.
    names, patient = np.unique(np.asarray(patients, dtype=object), return_inverse=True)
    pairs = [np.empty((2, 0), int)]
    for grouping in groupings:
        first: dict[str, int] = {}
        named = zip(grouping, patient.tolist(), strict=True)
        links = [(first.setdefault(name, number), number) for name, number in named if name]
        pairs.append(np.array(links, int).reshape(-1, 2).T)
    ends = np.concatenate(pairs, 1)
    edges = coo_array((np.ones(ends.shape[1], bool), tuple(ends)), shape=(len(names),) * 2)
    component = connected_components(edges, directed=False)[1]
    smallest = np.unique(component, return_index=True)[1]
    return tuple(names[smallest[component[patient]]].tolist())
