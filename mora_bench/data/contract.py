"""The contract of a dataset: where it is, how it becomes a table, and a twin if it has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mora_bench import registry
from mora_bench.data.table import Table

if TYPE_CHECKING:
    from mora_bench.data.readers.picture_paths import Views
    from mora_bench.data.twins.ceilings import Posterior

#: A twin's own samples have lower numbers; from this one on they are drawn as test samples apart.
APART = 1000


@dataclass(frozen=True)
class Dataset:
    """A dataset: named by an entry point of the group `mora_bench.datasets`, or by a variable of a plug-in file.

    Attributes:
        title: shown by `list`.
        find: its table at or below a data root, or None.
        read: the samples below a data root; UserError where they cannot be read.
        twin: makes samples that need no data; None if there are none, and the dataset needs --data-root.
        more: draws further samples of the twin by their numbers, from `APART` on; none of them is one of `twin`'s, so
            test samples can be drawn apart from those that train. None if the twin cannot.
        known: for a twin of known truth, what can be known of each label under a pattern of presence, given as one
            bool per modality; scores get a ceiling from it.
        at_most: the same where no closed form is known: the scores of one who knows all that is told, by name, of
            samples of which so many show each presence pattern, float [P].
        source: where the data, or their description, are published.
        population: whose data they are; two datasets that name the same one share patients, and count as one where
            methods are ranked over datasets. "" where no other dataset has these patients.
        views: how `read` looks at volumes and DICOM files; `predict` then looks at those of new records alike.
        made: by modality what it is made of where that is no column of its name, such as "film={folder}/{id}.png", for
            `predict` to find it in new records.
        everybody: as `read`, with the samples that it leaves out because they lack something, for `doctor` to say whom
            that is; None where it leaves out none.
    """

    title: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path], Table]
    twin: Callable[[], Table] | None = None
    source: str = ""
    more: Callable[[range], Table] | None = None
    known: Callable[..., Sequence[Posterior]] | None = None
    population: str = ""
    views: Views | None = None
    made: Mapping[str, str] = field(default_factory=dict)
    everybody: Callable[[Path], Table] | None = None
    at_most: Callable[[Sequence[float]], Mapping[str, float]] | None = None

    group: ClassVar[str] = registry.DATASETS

    def seen_as(self, title: str, change: Callable[[Table], Table]) -> Dataset:
        """The same patients' data, and the same twin, with each table changed; what can be known of them is not known
        then."""
        twin, more, everybody = self.twin, self.more, self.everybody
        return replace(
            self,
            title=title,
            read=lambda root: change(self.read(root)),
            twin=None if twin is None else lambda: change(twin()),
            known=None,
            at_most=None,
            more=None if more is None else lambda numbers: change(more(numbers)),
            everybody=None if everybody is None else lambda root: change(everybody(root)),
        )
