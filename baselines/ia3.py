"""IA3 (Liu et al. 2022, arXiv 2205.05638), through `peft`: learned factors on keys, values and the feed-forward's
hidden units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .through_peft import ThroughPeft

if TYPE_CHECKING:
    from peft import PeftConfig


class Ia3(ThroughPeft):
    title = "IA3"
    source = "arXiv 2205.05638"
    family = "low-rank"
    reads = {"blocks": "all"}

    def peft_config(self) -> PeftConfig:
        from peft import IA3Config

        return IA3Config(
            target_modules=self.targets("key", "value", "mlp_out"), feedforward_modules=self.targets("mlp_out")
        )
