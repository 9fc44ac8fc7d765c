"""The schema of records and of files of scores, shared by writers and readers. NaN is null in a file and None here."""

import math
from typing import Any, Literal

import msgspec

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.records.ranges import Score, Spread, check_range, ranges_of
from mora_bench.records.risks import RiskGroups

#: Change it when a reader of the new schema would misread a file of the old one.
SCHEMA = 3
#: The schema from before scores named their record, and records the files beside them; and the schemas that are read.
OLDER = 2
READS = (OLDER, SCHEMA)

#: The files that a record names by digest, or says to have left out.
PREDICTIONS, SPLIT = "predictions", "split"
#: The family of competitors whose predictions came from elsewhere.
NOT_RUN_HERE = "not run here"
#: A training whose best look lies beyond this share of the most steps that it might have had was cut short.
NEAR_THE_CAP = 0.8
#: The first looks, which may be the best by chance.
FIRST_LOOKS = 3


class Struct(msgspec.Struct, kw_only=True, omit_defaults=False):
    """A typed part of a file."""


class Provenance(Struct):
    """Where a result comes from. `device` is its usual name; `compiler` is "off" or torch.compile's setting."""

    time: str
    device: str
    device_type: str
    threads: int
    workers: int
    platform: str
    commit: str | None
    dirty: bool | None
    versions: dict[str, str | None]
    compiler: str = "off"


class Competitor(Struct):
    """How a method or predictor describes itself; `abstains`: when it abstains and what it predicts then; `remark`:
    what a reader of its scores must know besides; `adapts`: how it adapts to unlabelled test samples."""

    title: str
    family: str
    abstains: str = ""
    remark: str = ""
    adapts: str = ""


class Validation(Struct):
    """One validation: the mean training loss since the last one, and the score that is watched."""

    step: int
    epoch: float
    loss: float
    val_score: float | None


class Training(Struct):
    """How training went, and which step was kept; `resumed` are the steps after which it went on from a checkpoint.

    `watched` is the score of history and `best_score`, "" for the task's primary one; `cap` the most steps that there
    could have been; `fell_after` the steps after which a plateau's decay began; `cut_short` whether the best look lies
    so near the cap that a longer training might have gone on. Files from before have cap 0 and None.
    """

    history: list[Validation]
    best_step: int
    best_score: float | None
    steps: int
    resumed: list[int] = []
    watched: str = ""
    cap: int = 0
    fell_after: int | None = None
    cut_short: bool | None = None


def cut_short(best_step: int, cap: int) -> bool:
    """Whether the best look, after so many steps, lies in the last fifth before the cap."""
    return best_step > NEAR_THE_CAP * cap


class Beginning(Struct):
    """The findings of `probe.settle`, and whether states from the frozen beginning were kept; `pairs` are the complete
    training samples that a projection was aligned on without labels, 0 if none was."""

    constant: bool
    ahead: bool
    lean: bool
    kept: bool
    pairs: int = 0


class Parameters(Struct):
    """Parameters by owner (adapter, pooler, head, backbone, and projection where a backbone has one), all and trained;
    and trained shares in percent of the whole model without its adapter.

    `share_adapter` counts the adapter alone, `share_adapter_head` the adapter with the classifier, `share_total` all
    that trains, pooler and projection included (the paper's figure).
    """

    all: dict[str, int]
    trained: dict[str, int]
    model: int
    share_adapter: float
    share_adapter_head: float
    share_total: float


class Flops(Struct):
    """FLOPs of a reference sample, multiply-add = 2: a forward pass, a training step's parts; and its tokens."""

    forward: float
    step_begin: float
    step_forward: float
    step_backward: float
    tokens: dict[str, int]


class Clock(Struct):
    """Milliseconds per training step; seconds per epoch, of the prediction, of the cell. None where nothing trained."""

    cell_s: float
    predict_s: float
    step_ms: float | None = None
    step_ms_p25: float | None = None
    step_ms_p75: float | None = None
    step_ms_p95: float | None = None
    epoch_s: float | None = None
    steps_timed: int = 0
    steps_warmup: int = 0
    cells_as_one: int = 1


class Data(Struct):
    """The data of a cell: labels, digest of the split, facts about each modality, and the effect of the masks;
    `effects` says by split and modality who lost it (`mora_bench.missing.effects`); `covariates`: the digest of what
    samples are grouped by, "" where nothing is known of it."""

    labels: list[str]
    split: str
    contents: dict[str, dict[str, Any]]
    realised: dict[str, dict[str, float]]
    effects: dict[str, dict[str, dict[str, dict[str, float | None]]]] = {}
    covariates: str = ""


class Record(Struct, kw_only=True):
    """One training run: done, or failed with its error and the tail of the trace.

    `imported` is the digest of the file that its predictions were read from, "" for what ran here. `digest` is that of
    the record itself, `predictions` that of the predictions, `adapter` that of all files of what was trained ("" if it
    was not saved), `split` the name of the list of ids, which ends in its digest. `without` names what was left out
    when the record was published: "predictions", "split" or both, joined by ", ". `uncounted` names what `flops` leaves
    out: operators without a formula, or a pass that could not be counted.
    """

    schema: int
    digest: str = ""
    key: str
    status: Literal["done", "failed"]
    cell: Cell
    provenance: Provenance
    competitor: Competitor
    error: str = ""
    trace: list[str] = []
    not_as_one: str = ""
    data: Data | None = None
    time: Clock | None = None
    training: Training | None = None
    beginning: Beginning | None = None
    parameters: Parameters | None = None
    flops: Flops | None = None
    uncounted: list[str] = []
    memory: dict[str, float | None] = {}
    imputer: dict[str, str] = {}
    imported: str = ""
    predictions: str = ""
    adapter: str = ""
    split: str = ""
    without: str = ""

    def __post_init__(self) -> None:
        if self.status == "done" and (self.data is None or self.time is None):
            raise ValueError("a record that is done lacks its data or its times")

    def lacks(self, name: str) -> bool:
        """Whether it says that its predictions or its split were left out."""
        return name in self.without.split(", ")

    @property
    def cut_short(self) -> bool | None:
        """Whether its training was; of files that do not say so, by their steps; None where nothing was trained."""
        training, recipe = self.training, self.cell.recipe
        if training is None or recipe is None or self.data is None:
            return None
        if training.cut_short is not None:
            return training.cut_short
        steps = math.ceil(self.data.realised["train"]["n"] / recipe.batch)
        return cut_short(training.best_step, recipe.epochs * steps)

    @property
    def ended_early(self) -> bool | None:
        """Whether patience ended its training, and one of the first looks is the best; None where none waits."""
        training, recipe = self.training, self.cell.recipe
        if training is None or recipe is None or not recipe.patience:
            return None
        looks = [look.step for look in training.history]
        waited = looks[-1] > training.best_step and not 0 < training.cap <= training.steps
        return training.best_step in looks[:FIRST_LOOKS] and waited and not self.cut_short

    @property
    def older(self) -> bool:
        """Whether it is from before records named all that lies beside them."""
        return self.schema == OLDER


class Setting(Struct):
    """Scores of one split under one pattern, of all samples and of each stratum; and the effect of the mask.

    Of the test split also: scores of groups by covariates, what several folds are pooled from, a reliability diagram's
    bins, groups by risk, what was decided (`Task.confusion`), on twins what can be expected at most, and the `Spread`.
    """

    scores: dict[str, Score]
    strata: dict[str, dict[str, Score]]
    realised: dict[str, float]
    groups: dict[str, dict[str, Score]] = {}
    counts: dict[str, list[int]] = {}
    reliability: dict[str, list[float | None]] = {}
    confusion: dict[str, list[list[int]]] = {}
    ceiling: dict[str, float] = {}
    risk_groups: RiskGroups | None = None
    spread: Spread = msgspec.UNSET


class Curve(Struct):
    """The primary score of the test split at `Scores.rates`, over draws of the mask: mean and standard deviation; the
    area under the means over rates 0 to 1, and the least of them. On twins also what can be expected at most."""

    mean: list[float]
    std: list[float]
    draws: int
    area: float
    worst: float
    ceiling: list[float] = []


class Worth(Struct):
    """Scores of the `n` test samples that have all M modalities, by what of them is shown: lists of 2^M, nothing first,
    then the patterns in their order (`presence`). Of all, by the name of the score; the scores of each class; the
    primary score of groups by covariates, which have `group_n` samples."""

    n: int
    scores: dict[str, list[float | None]]
    per_class: dict[str, list[list[float | None]]] = {}
    group_n: dict[str, int] = {}
    groups: dict[str, list[float | None]] = {}


class Scores(Struct, kw_only=True):
    """The scores of one training run under one protocol.

    `curve` is the primary score of the test split at `rates`, one list per pattern, under the one mask that all other
    scores are taken under; `curves` is its expectation over masks; `worth` is None where no test sample has all of two
    modalities or more; `digest` is that of the file itself, `record` that of the record of the training run.
    """

    schema: int
    digest: str = ""
    record: str = ""
    key: str
    scoring: Scoring
    score_key: str
    task: str
    primary: str
    test_rate: float
    val: dict[str, Setting]
    test: dict[str, Setting]
    rates: list[float]
    curve: dict[str, list[float]]
    curves: dict[str, Curve] = {}
    worth: Worth | None = None

    def __post_init__(self) -> None:
        ranges = ranges_of(self.task)
        for pattern, setting in (*self.val.items(), *self.test.items()):
            check_range(setting.scores, ranges, pattern)
        lacking = [f"{name}.{p}" for name in ("val", "test") for p in (COMPLETE, EACH) if p not in getattr(self, name)]
        if lacking:
            raise ValueError(f"{', '.join(lacking)} lack")
