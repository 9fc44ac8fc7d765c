"""The configuration of a grid: what presets hold, and the command line of `grid`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from mora_bench.cells.cell import NONE
from mora_bench.cells.recipe import Recipe
from mora_bench.errors import UserError

DEFAULT_PRESET = "quick"
#: The gaps of tests that are those of training.
AS_TRAINED = "same"
#: More than any machine has.
MOST_THREADS = 4096
#: The least that may be given for some options.
LEAST = {
    "limit": 1, "workers": 1, "threads": 1, "fuse": 1, "lease_seconds": 1, "checkpoint_minutes": 0, "pool": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """Train every method on every dataset, missing pattern, rate and seed; write records and tables."""

    preset: str = DEFAULT_PRESET
    """a shipped preset (see `list`) or a TOML file; flags override it"""
    datasets: tuple[str, ...] = ("odir", "cxr")
    """odir, cxr; real where --data-root is given, else the embedded twins"""
    methods: tuple[str, ...] = ("all",)
    """names from `list`, or all"""
    floors: tuple[str, ...] = ("all",)
    """competitors without a network, shown in every table beside the methods: names from `list`, none, or all of them
    that are baselines; `latent` is named in --methods"""
    impute: tuple[str, ...] = ("dummy",)
    """imputers, which replace missing modalities: names from `list`, or all"""
    missing: tuple[str, ...] = ("both",)
    """what training masks take: complete (nothing), a modality such as image, some joined by +, both (one
    modality of each affected sample, drawn at random); every cell is tested on complete data, with each modality
    missing, and under `both`"""
    rates: tuple[float, ...] = (0.7,)
    """share of training samples that lose a modality, 0..1"""
    mechanism: tuple[str, ...] = ("uniform",)
    """how they lose it: names from `list`, some with an argument, e.g. covariate:age, or mask:FILE, a table of id and
    one column of 0 and 1 a modality"""
    strength: tuple[float, ...] = (1.0,)
    """how much a mechanism departs from chance, 0 or more"""
    gaps: tuple[str, ...] = (NONE,)
    """what is lost inside signals: none, or NAME@RATE, such as block@0.5: a name from `list`, and the share of measured
    values"""
    test_gaps: tuple[str, ...] = (AS_TRAINED,)
    """what is lost inside signals of validation and test samples when scores are taken: as --gaps, or same: as in
    training"""
    mask_unit: Literal["sample", "patient"] = "sample"
    """what loses a modality: a sample, or a patient with all samples"""
    test_mechanism: str | None = None
    """how validation and test samples lose modalities when scores are taken; as in training if not given"""
    test_rate: float | None = None
    """share of validation and test samples that lose a modality; as in training if not given"""
    ranks: tuple[int, ...] = ()
    """ranks of low-rank methods; none given: each method's own"""
    blocks: tuple[str, ...] = ()
    """sets of blocks, e.g. 0 0-2 0,3,5 all; none given: each method's own"""
    knobs: tuple[str, ...] = ()
    """what else methods read, NAME=VALUE or NAME=VALUE,VALUE; none given: each method's own"""
    after: tuple[str, ...] = ("",)
    """datasets that a method is adapted to before, each in a training of its own; "" for none; the classifier is new"""
    lrs: tuple[float, ...] = ()
    """peak learning rates, for tuning on the validation split; none given: the preset's, by method"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """seeds of split, masks, initialisation and order"""
    split: Literal["", "patient", "row", "official"] = ""
    """what a split keeps together, or the split that the data were published with; if not given, official where a table
    has one, else patient"""
    folds: int = 10
    """real data: seed s tests fold s of so many, so that as many seeds test every patient once; 0: every seed draws a
    split of its own"""
    pool: int = 500
    """twins: test samples that are drawn apart, others for every seed; 0: a tenth of the twin's own"""
    backbone: tuple[str, ...] = ("small",)
    """small, small-untrained, a folder, or a hub name such as dandelin/vilt-b32-mlm; NAME@SIDE: pictures with a
    shorter side of SIDE pixels, as small@128, where its positions allow"""
    recipe: Recipe = field(default_factory=Recipe)
    """how every method is trained; what is given here beats the preset's overrides"""
    overrides: Annotated[dict[str, dict[str, Any]], tyro.conf.Suppress] = field(default_factory=dict)
    """recipe fields by dataset, method or DATASET/METHOD, from the preset; of a method also its rank"""
    tuned_for: Annotated[tuple[int, ...], tyro.conf.Suppress] = ()
    """seeds whose test samples `tune` kept apart when it looked for the preset's recipes; none where it did not"""
    parts: Annotated[tuple[dict[str, Any], ...], tyro.conf.Suppress] = ()
    """fields of this grid that each part of it changes, from the preset; the plan joins the parts"""

    plugin: tuple[Path, ...] = ()
    """Python files that define methods, datasets or whatever else `list` shows of your own (see `check`)"""
    save_adapters: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """save what each cell trained to adapters/KEY/, in the peft library's format if it has one for the method"""
    data_root: Path | None = None
    """folder with the real datasets; without it the twins run"""
    follow_links: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """allow links in the data folder that lead out of it"""
    rehash: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """read all data and what was decoded of them anew, whatever is remembered of files by size, times and inode"""
    out: Path | None = None
    """results folder; if not given, results/PRESET, and with --limit N results/PRESET-limitN"""
    limit: int | None = None
    """only N samples of each dataset, of real data drawn by id: a smoke run"""
    device: str = "auto"
    """cpu, cuda, cuda:1, or auto"""
    workers: int | None = None
    """cells at once; as many as there are cores, or GPUs with --device cuda, if not given"""
    fuse: int | None = None
    """cells trained as one if only learning rate or rank differ; 1 if not given"""
    compile: Literal["off", "on", "graphs"] = "off"
    """torch.compile in training, graphs: with CUDA graphs; pays where a cell trains for many minutes"""
    threads: int = 1
    """CPU threads per worker; the last bits of results depend on it"""
    limit_minutes: float | None = None
    """minutes after which a cell is killed and recorded as failed; the grid goes on; off if not given"""
    retry: Literal["", "failed"] = ""
    """failed: run the cells again whose records say that they failed; else these are kept as they are"""
    lease_seconds: float = 60.0
    """seconds without a sign of life from another grid on the same folder, after which its cells are run here"""
    checkpoint_minutes: float = 5.0
    """minutes between two saves of a cell in training, from which it goes on if it is killed; 0: none"""
    fail_fast: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """stop at the first cell that fails"""
    metric: str = ""
    """the one score that tables show and judge by, e.g. auroc; if not given, those of the task that must agree"""
    engine: str = "auto"
    """what runs the cells: a name from `list`; auto: processes, one worker or more; inline is for debuggers"""
    resources: tuple[str, ...] = ()
    """what slurm or ray is asked for each bundle of cells, NAME=VALUE: submitit's names (slurm_partition=gpu,
    gpus_per_node=1, timeout_min=240, slurm_array_parallelism=16), or num_gpus=0.5 and address=auto for ray"""
    detach: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """submit to slurm and end; the same command without it waits for the jobs"""
    shard: str = ""
    """I/N: only the I-th of N parts of the cells, for machines that share nothing; `merge` joins their folders"""
    track: tuple[str, ...] = ()
    """where each cell is shown when it ends, beside other runs of yours: tensorboard, trackio; see `list`"""
    plan: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print the cells (a table if there are many), what is done, what was collapsed and why, and what it costs; run
    nothing"""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print one JSON value on stdout, and all else on stderr"""
    measure: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """with --plan: run three steps of each kind of cell on this machine, to say what the grid costs"""

    def __post_init__(self) -> None:
        wrong = [*self._empty(), *self._odd_numbers(), *self._odd_texts()]
        if wrong:
            raise UserError("\n".join(wrong))

    def _empty(self) -> Iterator[str]:
        for name in (
            "datasets", "methods", "impute", "missing", "rates", "mechanism", "strength", "gaps", "test_gaps",
            "seeds", "backbone",
        ):  # fmt: skip
            if not getattr(self, name):
                yield f"--{name.replace('_', '-')} is empty; give at least one value."

    def _odd_numbers(self) -> Iterator[str]:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < float("inf"):
                yield f"--{name.replace('_', '-')} is {value}; expected at least {least}."
        if self.threads > MOST_THREADS:
            yield f"--threads is {self.threads}; expected at most {MOST_THREADS}."
        if self.limit_minutes is not None and not 0 < self.limit_minutes < float("inf"):
            yield f"--limit-minutes is {self.limit_minutes}; expected a number above 0."
        yield from (f"--ranks {rank} is below 1." for rank in self.ranks if rank < 1)
        yield from (f"--rates {rate} is outside 0..1." for rate in self.rates if not 0 <= rate <= 1)
        if self.test_rate is not None and not 0 <= self.test_rate <= 1:
            yield f"--test-rate {self.test_rate} is outside 0..1."
        if self.folds < 0 or self.folds in (1, 2):
            yield f"--folds {self.folds}; expected 3 or more, or 0 for none."

    def _odd_texts(self) -> Iterator[str]:
        for resource in self.resources:
            if not resource.partition("=")[2]:
                yield f"--resources {resource}: expected NAME=VALUE."
        if self.shard:
            try:
                shard_of(self.shard)
            except UserError as error:
                yield str(error)

    @property
    def folder(self) -> Path:
        # A smoke run must not lie among results, whose tables it would then be in.
        smoke = f"-limit{self.limit}" if self.limit else ""
        return self.out or Path("results") / f"{Path(self.preset).stem}{smoke}"


def shard_of(text: str) -> tuple[int, int]:
    """The number of a part, and how many there are, from "I/N".

    Raises:
        UserError: it is none.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UserError(f"--shard {text}: expected I/N with I from 1 to N, such as 2/4.")
    return int(part), int(parts)
