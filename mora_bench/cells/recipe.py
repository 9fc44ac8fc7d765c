"""How every method is trained."""

from dataclasses import dataclass
from typing import Literal

from mora_bench.errors import UserError
from mora_bench.files import as_floats

#: The fewest epochs between validations. With fewer, a run would spend its time on validation.
MOST_OFTEN = 1e-4
PRECISIONS = ("fp32", "bf16", "fp16")


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

    def __post_init__(self) -> None:
        as_floats(self)
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise UserError(f"recipe.{name} is {getattr(self, name)}; expected at least 1.")
        if self.max_text < 8:
            raise UserError(f"recipe.max_text is {self.max_text}; expected at least 8 tokens.")
        for name in ("lr", "head_lr_mult", "eps", "validate_every"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UserError(f"recipe.{name} is {getattr(self, name)}; expected a finite number above 0.")
        if self.validate_every < MOST_OFTEN:
            raise UserError(f"recipe.validate_every is {self.validate_every}; expected {MOST_OFTEN} or more epochs.")
        for name in ("warmup", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"recipe.{name} is {getattr(self, name)}; expected a number in [0, 1).")
        if not 0 <= self.weight_decay < float("inf"):
            raise UserError(f"recipe.weight_decay is {self.weight_decay}; expected a finite number of 0 or more.")
        if self.precision not in PRECISIONS:
            raise UserError(f"unknown precision {self.precision!r}; known: {', '.join(PRECISIONS)}.")
