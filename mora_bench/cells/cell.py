"""One point of the grid, and its key: a hash of everything that is science and of nothing else."""

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

from mora_bench.data import splits
from mora_bench.errors import UserError
from mora_bench.missing import masks as missing

#: Change it when the same cell would be trained or scored differently (training loop, classifier, scores).
VERSION = 2
PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class Recipe:
    """How every method is trained. The defaults are the paper's where it has one for all datasets."""

    epochs: int = 100
    """passes over the training set"""
    batch: int = 64
    """samples a step"""
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
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise UserError(f"recipe.{name} is {getattr(self, name)}; expected at least 1.")
        if self.max_text < 8:
            raise UserError(f"recipe.max_text is {self.max_text}; expected at least 8 tokens.")
        for name in ("lr", "head_lr_mult", "eps", "validate_every"):
            if not getattr(self, name) > 0:
                raise UserError(f"recipe.{name} is {getattr(self, name)}; expected a number above 0.")
        for name in ("warmup", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"recipe.{name} is {getattr(self, name)}; expected a number in [0, 1).")
        if self.weight_decay < 0:
            raise UserError(f"recipe.weight_decay is {self.weight_decay}; expected 0 or more.")
        if self.precision not in PRECISIONS:
            raise UserError(f"unknown precision {self.precision!r}; known: {', '.join(PRECISIONS)}.")


@dataclass(frozen=True)
class Cell:
    """One training run. Where it runs, and who else runs, is not in it.

    Attributes:
        dataset, source, data: name, "real" or "twin", fingerprint of the samples.
        split: what a split keeps together, "patient" or "row".
        missing, rate: what the training and validation masks remove, and from which share of the samples.
        method, method_version: the method; rank, blocks: its axes, None where it does not read them.
        impute, impute_version: what stands in for a missing modality.
        backbone, weights: name and fingerprint of the backbone.
        recipe: how it is trained.
        seed: of split, masks, initialisation and order.
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
    recipe: Recipe
    seed: int

    def __post_init__(self) -> None:
        if self.missing not in missing.PATTERNS:
            raise UserError(f"unknown missing pattern {self.missing!r}; known: {', '.join(missing.PATTERNS)}.")
        if not 0 <= self.rate <= 1:
            raise UserError(f"missing rate {self.rate} is outside 0..1.")
        if self.rank is not None and self.rank < 1:
            raise UserError(f"rank {self.rank} is below 1.")
        if self.split not in splits.UNITS:
            raise UserError(f"unknown split {self.split!r}; known: {', '.join(splits.UNITS)}.")
        if self.seed < 0:
            raise UserError(f"seed {self.seed} is below 0.")

    @cached_property
    def key(self) -> str:
        """16 hex digits: the name of the cell's files."""
        science = {field.name: getattr(self, field.name) for field in fields(self)}
        science |= {"recipe": vars(self.recipe), "versions": [VERSION, missing.VERSION, splits.VERSION]}
        # The name of a backbone is where somebody keeps it; its weights are what it is.
        del science["backbone"]
        return hashlib.sha256(json.dumps(science, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """Short, for people: what a progress bar or an error message calls it."""
        parts = [self.dataset, self.method]
        if self.rank is not None:
            parts.append(f"r{self.rank}")
        if self.blocks is not None:
            parts.append("b" + ",".join(map(str, self.blocks)))
        parts += [f"{self.missing}@{self.rate:g}", self.impute, f"seed{self.seed}"]
        return " ".join(parts)
