"""How every method is trained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mora_bench.errors import UserError
from mora_bench.files import as_floats, axis

#: The fewest epochs between validations. With fewer, a run would spend its time on validation.
MOST_OFTEN = 1e-4
PRECISIONS = ("fp32", "bf16", "fp16")
HEAD_BIASES = ("zero", "prevalence")
READOUTS = ("", "pooler", "mean", "labels")
CLASS_WEIGHTS = ("none", "balanced")
#: Fields of few values, and these.
KNOWN = {
    "precision": PRECISIONS, "head_bias": HEAD_BIASES, "readout": READOUTS, "class_weights": CLASS_WEIGHTS,
}  # fmt: skip
#: Fields, what their values must be, and how that is said.
RANGES: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (("epochs", "batch"), lambda v: 1 <= v <= 1_000_000, "1 to 1,000,000"),
    (("max_text",), lambda v: 8 <= v <= 100_000, "8 to 100,000 tokens"),
    (("lr", "head_lr_mult", "eps", "validate_every"), lambda v: 0 < v < float("inf"), "a finite number above 0"),
    (("validate_every",), lambda v: v >= MOST_OFTEN, f"{MOST_OFTEN} or more epochs"),
    (("warmup", "beta1", "beta2", "dropout"), lambda v: 0 <= v < 1, "a number in [0, 1)"),
    (("weight_decay",), lambda v: 0 <= v < float("inf"), "a finite number of 0 or more"),
    (("patience",), lambda v: v >= 0, "0 or more validations"),
)


@dataclass(frozen=True)
class Recipe:
    """How every method is trained. The defaults are the paper's where it has one for all datasets."""

    epochs: int = 100
    """passes over the training set"""
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
    """share of the steps in which the rate rises linearly from 0; then it falls linearly to 0"""
    validate_every: float = 0.2
    """epochs between validations; the best checkpoint by validation F1-macro is kept"""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """autocast of the training pass; fp16 scales the loss and needs a GPU"""
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
    """validations without a better score after which training stops; 0: never"""
    reweigh: bool = axis(False)
    """draw training samples by the inverse of the probability of what they lost or kept, so that what a mechanism makes
    rare counts as much as in the whole; for mechanisms that know it"""
    readout: Literal["", "pooler", "mean", "labels"] = axis("")
    """what the classifier reads of the last block: the backbone's pooler, the mean of the tokens that are there, or one
    attention a label; empty: as the backbone was published, which is its pooler where it has one"""
    class_weights: Literal["none", "balanced"] = axis("none")
    """what a positive of each class weighs in the loss: 1, or so much that rare classes count as frequent ones do"""

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
