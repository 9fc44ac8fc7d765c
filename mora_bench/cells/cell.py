"""One point of the grid, and its two keys: one for training, one for scoring."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, TypeVar

from mora_bench.cells.missing import COMPLETE, NO_GAPS, UNIFORM, Gaps, Missing
from mora_bench.cells.recipe import PLATEAU, Recipe
from mora_bench.errors import UserError
from mora_bench.files import around, as_floats, axis, digest, digest_json, identity

#: Change it when the same cell would be trained differently (training loop, classifier, choice of the checkpoint).
TRAINING_VERSION = 2
#: Change it when the same cell would draw another split, or other masks whatever the mechanism. 1 drew them row by row
#: from a fingerprint of the data; 2 draws each group's side and each unit's losses from its id.
DRAWS_VERSION = 2
#: The mark of cells of an earlier version, and why nothing of theirs can be drawn again.
OLDER_DRAWS = "older draws"
WHY_NOT_AGAIN = (
    f"{OLDER_DRAWS}: this version draws different splits and masks; use commit 307f536 of mora_bench, the last version "
    "that draws these"
)
#: Change it when the same predictions would be scored differently, whatever the task.
SCORING_VERSION = 2
#: The test rate of cells that are trained on complete data.
TEST_RATE = 0.7
#: Units that a split keeps together; or it is the one that the data set was published with.
OFFICIAL = "official"
UNITS = ("patient", "row", OFFICIAL)
#: The settings of a method that have a field of their own in a cell; all others are knobs.
AXES = ("rank", "blocks")
#: The backbone and imputer of competitors that have none.
NONE = "none"

Knob = tuple[str, int | float | str | bool]


class Keyed(Protocol):
    """A cell, or what a folder knows of one: the key of its training, and that of its scores."""

    @property
    def key(self) -> str: ...

    @property
    def score_key(self) -> str: ...


Known = TypeVar("Known", bound=Keyed)


@dataclass(frozen=True)
class Scoring:
    """How predictions become scores.

    Attributes:
        missing: what takes modalities from validation and test samples; None: the mechanism of training.
        rate: how often; None: the rate of training, or `TEST_RATE` after training on complete data.
        version: of the scores.
        convention: whose scores they are, a name of `tasks.conventions`; "": ours.
    """

    missing: Missing | None = axis(None)
    rate: float | None = axis(None)
    version: int = axis(1, default=SCORING_VERSION)
    convention: str = axis("")

    def __post_init__(self) -> None:
        as_floats(self)
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise UserError(f"test rate {self.rate} is outside 0..1.")

    @property
    def as_trained(self) -> bool:
        """Whether samples are tested under what takes modalities in training, as often."""
        return self.missing is None and self.rate is None

    @property
    def key(self) -> str:
        """16 hex digits, the same for all cells that are scored in the same way."""
        return digest_json(identity(self))


class Splitting(NamedTuple):
    """How a dataset is split in three; what these are, `Cell` says."""

    unit: str
    folds: int
    pool: int
    seed: int

    @property
    def way(self) -> tuple[str, int, int]:
        """What its seeds share."""
        return self[:3]


@dataclass(frozen=True)
class Cell:
    """One training run and its scores. Where it runs, and beside what, is not part of it.

    A field that is added later must be an `axis`: its absent value does not enter the keys, so existing keys stay.

    Attributes:
        dataset, source, data: name, "real" or "twin", fingerprint of the samples.
        split: what a split keeps together, "patient" or "row"; "official": it is the one that the data were published
            with.
        missing, rate: the pattern that training and validation masks take, and the share of samples that lose it.
        method, method_version: the competitor; rank, blocks: its axes, None where it does not read them.
        impute, impute_version: the imputer, which replaces missing modalities.
        backbone, weights: name and fingerprint of the backbone.
        recipe: how it is trained; None for competitors without a network of their own.
        seed: of split (if it is drawn), masks, initialisation and order.
        modalities: names, in the dataset's order.
        folds: seed s tests fold s of so many; 0: every seed draws a split of its own.
        pool: test samples that are drawn apart from the twin's own, others for every seed; 0: none.
        task: what is asked.
        mechanism: what takes modalities away in training and validation.
        knobs: the other settings of the method, (name, value), sorted by name.
        after: "DATASET FINGERPRINT" of what it was adapted to before, in the same way; "" if it starts anew.
        versions: (what, version) of everything that determines training, where the version is not 1.
        watched: the score of the task that patience and the best checkpoint read; "" for its primary one.
        max_text: tokens after which a text is cut, of a competitor without a recipe that reads the frozen backbone.
        gaps: what is taken inside signals; None: nothing that is not missing by nature.
        test_gaps: what is taken inside signals of validation and test samples when scores are taken, where that is not
            `gaps`; None where it is.
        scoring: how its predictions are scored.
    """

    dataset: str
    source: Literal["real", "twin"]
    data: str
    split: str
    missing: str
    rate: float
    method: str
    method_version: str
    rank: int | None
    blocks: tuple[int, ...] | None
    impute: str
    impute_version: str
    backbone: str
    weights: str
    recipe: Recipe | None
    seed: int
    modalities: tuple[str, ...] = axis(("text", "image"))
    task: str = axis("multi-label")
    folds: int = axis(0)
    pool: int = axis(0)
    mechanism: Missing = axis(UNIFORM)
    knobs: tuple[Knob, ...] = axis(())
    after: str = axis("")
    versions: tuple[tuple[str, int | str], ...] = axis(
        (), default=(("training", TRAINING_VERSION), ("draws", DRAWS_VERSION))
    )
    watched: str = axis("")
    max_text: int | None = axis(None)
    gaps: Gaps | None = axis(None)
    test_gaps: Gaps | None = axis(None)
    scoring: Scoring = field(default_factory=Scoring)

    def __post_init__(self) -> None:
        as_floats(self)
        if not 0 <= self.rate <= 1:
            raise UserError(f"missing rate {self.rate} is outside 0..1.")
        if self.rank is not None and self.rank < 1:
            raise UserError(f"rank {self.rank} is below 1.")
        if self.split not in UNITS:
            raise UserError(f"unknown split {self.split!r}; known: {', '.join(UNITS)}.")
        if self.folds < 0 or self.folds in (1, 2):
            raise UserError(f"{self.folds} folds are too few; expected 3 or more, or 0 for none.")
        if self.pool < 0:
            raise UserError(f"a test pool of {self.pool} samples; expected 0 or more.")
        if self.pool and (self.folds or self.source == "real"):
            raise UserError("a separate test pool (--pool) is for twins only, and excludes --folds.")
        if self.split == OFFICIAL and (self.folds or self.pool):
            raise UserError("an official split excludes --folds and --pool.")
        if self.seed < 0:
            raise UserError(f"seed {self.seed} is below 0.")
        if self.gaps == NO_GAPS or self.test_gaps == (self.gaps or NO_GAPS):
            raise UserError(
                f"gaps {self.gaps}, tested under {self.test_gaps}: expected None where nothing is taken, "
                "and where tests are as training."
            )
        if self.recipe is not None and (wrong := self.recipe.problem()):
            raise UserError(f"{self.dataset} {self.method}: {wrong}")
        if bool(self.watched) != (self.recipe is not None and self.recipe.schedule == PLATEAU):
            raise UserError(f"watched is {self.watched!r}; expected a score with schedule {PLATEAU}, else none.")

    def with_seed(self, seed: int) -> "Cell":
        """The same cell with another seed. Nothing else is checked again, because nothing else differs."""
        if seed < 0:
            raise UserError(f"seed {seed} is below 0.")
        other = object.__new__(type(self))
        members = vars(other)
        members.update(vars(self))
        members["seed"] = seed
        members.pop("key", None)
        members.pop("score_key", None)
        return other

    @cached_property
    def key(self) -> str:
        """The training key, 16 hex digits: names the training run and its checkpoint."""
        before, after = self._around_seed
        return digest([before, str(self.seed).encode(), after])

    @cached_property
    def _around_seed(self) -> tuple[bytes, bytes]:
        """What its key reads before and after its seed. Large grids ask for many keys that differ in the seed alone."""
        # The name of a backbone may be a local path; its weights identify it.
        return around(identity(self, leave_out=("backbone", "scoring", "seed")), "seed")

    @cached_property
    def score_key(self) -> str:
        """Training key and scoring key: names the scores."""
        return f"{self.key}-{self.scoring.key}"

    @property
    def decoded_for(self) -> tuple[str, int] | None:
        """The backbone that its samples are decoded for, and the most tokens of a text; None if it reads none."""
        most = self.max_text if self.recipe is None else self.recipe.max_text
        return None if most is None else (self.backbone, most)

    @property
    def splitting(self) -> Splitting:
        """What its split depends on beside its data."""
        return Splitting(self.split, self.folds, self.pool, self.seed)

    @property
    def drawn_by(self) -> str:
        """Name and source of the data, which its split and masks are drawn by beside ids and seed; no content is."""
        return f"{self.dataset} {self.source}"

    @property
    def older_draws(self) -> bool:
        """Whether its split and masks were drawn in a way that this version does not know any more."""
        return int(dict(self.versions).get("draws", 1)) < DRAWS_VERSION

    def check_draws(self) -> None:
        """Refuse to draw again what was drawn in another way.

        Raises:
            UserError: its split and masks are older draws.
        """
        if self.older_draws:
            raise UserError(f"{self.label}: {WHY_NOT_AGAIN}.")

    @property
    def test_missing(self) -> Missing:
        """The mechanism that takes modalities from validation and test samples when scores are taken."""
        return self.scoring.missing or self.mechanism

    @property
    def tested_gaps(self) -> Gaps | None:
        """What is taken inside signals of validation and test samples when scores are taken; None: nothing."""
        if self.test_gaps is None:
            return self.gaps
        return None if self.test_gaps == NO_GAPS else self.test_gaps

    @property
    def gaps_in_words(self) -> str:
        """What is taken inside signals, in training and in tests; "" where nothing is."""
        tested = "" if self.test_gaps is None else f", tested under {self.test_gaps}"
        return f"{self.gaps or NO_GAPS}{tested}" if self.gaps or tested else ""

    @property
    def test_rate(self) -> float:
        """The missing rate of the main scores."""
        if self.scoring.rate is not None:
            return self.scoring.rate
        return self.rate if self.missing != COMPLETE else TEST_RATE

    @property
    def brought(self) -> tuple[str, ...]:
        """The digests of the masks that somebody brought, of training and of testing."""
        return tuple(dict.fromkeys(m.brought for m in (self.mechanism, self.test_missing) if m.brought))

    @property
    def before(self) -> str:
        """The dataset that it was adapted to before; "" if it starts anew."""
        return self.after.partition(" ")[0]

    @property
    def label(self) -> str:
        """A short description for progress bars and error messages."""
        parts = [self.dataset, self.method]
        if self.rank is not None:
            parts.append(f"r{self.rank}")
        if self.blocks is not None:
            parts.append("b" + ",".join(map(str, self.blocks)))
        parts += [f"{name}={value}" for name, value in self.knobs]
        parts.append(f"{self.missing}@{self.rate:g}")
        parts += [self.mechanism.in_label] if self.mechanism.in_label else []
        parts += [f"gaps {self.gaps_in_words}"] if self.gaps_in_words else []
        parts += [self.impute] * (self.impute != NONE)
        parts += [f"after {self.before}"] * bool(self.after)
        parts += [f"tested under {other.in_label or other.mechanism}"] if (other := self.scoring.missing) else []
        parts += [] if self.scoring.rate is None else [f"tested at {self.scoring.rate:g}"]
        return " ".join([*parts, f"seed{self.seed}"])
