"""How every method is trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from mora_bench.errors import UserError
from mora_bench.files import as_floats, axis

#: The fewest epochs between validations. With fewer, a run would spend its time on validation.
MOST_OFTEN = 1e-4
AUTO = "auto"
PRECISIONS = ("fp32", "bf16", "fp16", AUTO)
HEAD_BIASES = ("zero", "prevalence")
LINEAR, PLATEAU = SCHEDULES = ("linear", "plateau")
#: The fields that one schedule alone reads, and what stands in cells of the other.
READ_BY = {LINEAR: {"warmup": 0.0}, PLATEAU: {"warmup_epochs": 0.5, "decay_epochs": 1.0}}
READOUTS = ("", "pooler", "mean", "labels")
CLASS_WEIGHTS = ("none", "balanced")
LOSSES = ("", "cox")
#: Aligned: once, without labels, and then frozen.
ALIGNED: Final = "aligned"
PROJECTIONS = ("trained", ALIGNED)
#: Training samples that show both a text and a picture, which a projection is aligned on: so many at least.
FEWEST_ALIGNED = 10
#: Fields of few values, and these.
KNOWN = {
    "precision": PRECISIONS, "head_bias": HEAD_BIASES, "schedule": SCHEDULES, "readout": READOUTS,
    "class_weights": CLASS_WEIGHTS, "projection": PROJECTIONS, "loss": LOSSES,
}  # fmt: skip
#: Fields, the condition on their values, and its wording.
RANGES: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (("epochs", "batch"), lambda v: 1 <= v <= 1_000_000, "1 to 1,000,000"),
    (("max_text",), lambda v: 8 <= v <= 100_000, "8 to 100,000 tokens"),
    (("lr", "head_lr_mult", "eps", "validate_every"), lambda v: 0 < v < float("inf"), "a finite number above 0"),
    (("validate_every",), lambda v: v >= MOST_OFTEN, f"{MOST_OFTEN} or more epochs"),
    (("warmup", "beta1", "beta2", "dropout", "modality_dropout"), lambda v: 0 <= v < 1, "a number in [0, 1)"),
    (("weight_decay",), lambda v: 0 <= v < float("inf"), "a finite number of 0 or more"),
    (
        ("warmup_epochs", "decay_epochs", "modality_dropout_epochs"),
        lambda v: 0 <= v < float("inf"),
        "a finite number of 0 or more epochs",
    ),
    (("patience",), lambda v: v >= 0, "0 or more validations"),
)


@dataclass(frozen=True)
class Recipe:
    """How every method is trained. The defaults are the paper's where it has one for all datasets."""

    epochs: int = 100
    """passes over the training set; with schedule plateau the most of them"""
    batch: int = 64
    """samples per step"""
    lr: float = 5e-3
    """peak learning rate"""
    head_lr_mult: float = 1.0
    """the classifier's learning rate is lr times this (ViLT's lr_mult)"""
    weight_decay: float = 2e-2
    """AdamW's, on matrices only (no biases, no norms)"""
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-8
    warmup: float = 0.02
    """schedule linear: share of the steps in which the rate rises linearly from 0; then it falls linearly to 0"""
    validate_every: float = 0.2
    """epochs between validations; the best checkpoint is kept, by validation F1-macro with schedule linear, by a score
    without a threshold with plateau"""
    precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32"
    """autocast of the training pass; fp16 scales the loss and needs a GPU; auto: bf16 if the device that is planned for
    computes in it without emulation, else fp32, as cells and captions then say"""
    max_text: int = 1024
    """tokens after which a text is cut; position rows are interpolated where the backbone has fewer"""
    dropout: float = axis(0.0)
    """dropout of the frozen network in training, on embeddings and on what attention and MLP give; released: 0.1"""
    decay_norms: bool = axis(False)
    """weight decay also on the classifier's layer norm, as released: its list of exceptions misses that name"""
    head_bias: Literal["zero", "prevalence"] = axis("zero")
    """the classifier's last biases at the start: zero as released, or the log-odds of each label in training (of what
    class weights make of it)"""
    patience: int = axis(0)
    """validations without a better score after which training stops, or a plateau's decay begins; 0: never"""
    reweigh: bool = axis(False)
    """draw training samples by the inverse of the probability of what they lost or kept, so that what a mechanism makes
    rare counts as much as in the whole; for mechanisms that know it"""
    schedule: Literal["linear", "plateau"] = axis(LINEAR)
    """linear: as published, over all epochs; plateau: constant until patience ends, then a decay: epochs is a cap"""
    warmup_epochs: float = axis(READ_BY[PLATEAU]["warmup_epochs"])
    """schedule plateau: epochs in which the rate rises linearly from 0"""
    decay_epochs: float = axis(READ_BY[PLATEAU]["decay_epochs"])
    """schedule plateau: epochs in which it falls linearly to 0, from the best parameters so far"""
    readout: Literal["", "pooler", "mean", "labels"] = axis("")
    """what the classifier reads of the last block: the backbone's pooler, the mean of the tokens that are there, or one
    attention a label; empty: as the backbone was published, which is its pooler where it has one"""
    class_weights: Literal["none", "balanced"] = axis("none")
    """what a positive of each class weighs in the loss: 1, or so much that rare classes count as frequent ones do"""
    loss: Literal["", "cox"] = axis("")
    """what is minimised: the task's own loss, or Cox's partial likelihood, for times to an event: then one risk moves
    the hazards of all horizons alike"""
    projection: Literal["trained", "aligned"] = axis("trained")
    """of fused backbones, what makes tokens of pictures: it trains with every method, or is fitted once to the words
    beside the pictures, without labels, and then frozen"""
    modality_dropout: float = axis(0.0)
    """with this probability each modality that the training mask shows is left out of a step, drawn anew at each; a
    sample keeps one (ModDrop, arXiv 1501.00102)"""
    modality_dropout_epochs: float = axis(0.0)
    """epochs in which that probability rises linearly from 0 (a curriculum, arXiv 2605.15235); 0: there at once"""

    def __post_init__(self) -> None:
        as_floats(self)
        wrong = {
            name: f"recipe.{name} is {getattr(self, name)}; expected {expected}."
            for names, fits, expected in reversed(RANGES)
            for name in names
            if not fits(getattr(self, name))
        }
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                wrong[name] = f"unknown recipe.{name} {getattr(self, name)!r}; known: {', '.join(filter(None, known))}."
        if wrong:
            raise UserError("\n".join(wrong.values()))

    def settled(self) -> "Recipe":
        """The same with what its schedule does not read set to one value, so that it makes no cells of its own. A
        preset may hold the settings of both schedules."""
        return replace(self, **self._unread())

    def _unread(self) -> dict[str, Any]:
        return {
            name: none
            for owner, defaults in READ_BY.items()
            if owner != self.schedule
            for name, none in defaults.items()
        }

    def problem(self) -> str:
        """Why nothing can be trained in this way, though each field has a value that it may have; "" if it can be."""
        odd = [name for name, none in self._unread().items() if getattr(self, name) != none]
        if odd:
            return f"schedule {self.schedule} does not read recipe.{odd[0]}; leave it out."
        if self.modality_dropout_epochs and not self.modality_dropout:
            return "recipe.modality_dropout_epochs is read with recipe.modality_dropout alone; give both, or neither."
        if self.precision == AUTO:
            return f"recipe.precision {AUTO} is what a plan replaces by a precision of the device; give one."
        return self._plateau_problem() if self.schedule == PLATEAU else ""

    def _plateau_problem(self) -> str:
        if not self.patience:
            return "recipe.schedule plateau ends by patience: give recipe.patience, 1 or more validations."
        if self.warmup_epochs + self.decay_epochs > self.epochs:
            return (
                f"recipe.epochs {self.epochs} is less than recipe.warmup_epochs {self.warmup_epochs:g} and "
                f"recipe.decay_epochs {self.decay_epochs:g} together: give more epochs, or schedule linear."
            )
        return ""

    @property
    def fewest_epochs(self) -> float:
        """The epochs after which patience may end a training at the earliest; all of them where there is none."""
        if not self.patience:
            return float(self.epochs)
        rise, fall = (self.warmup_epochs, self.decay_epochs) if self.schedule == PLATEAU else (0.0, 0.0)
        # The first look is the best so far, and looks within the warm-up do not count.
        first = max(math.ceil(rise / self.validate_every), 2)
        return min((first + self.patience - 1) * self.validate_every + fall, float(self.epochs))
