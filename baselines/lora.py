"""Plain LoRA (Hu et al. 2021, arXiv 2106.09685) and DoRA (Liu et al. 2024, arXiv 2402.09353), through `peft`.

alpha equals the rank, so that the update is not scaled and ranks are comparable. Ignores which modality is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mora_bench.backbones.contract import ROLES

from .through_peft import ThroughPeft

if TYPE_CHECKING:
    from peft import PeftConfig


class Lora(ThroughPeft):
    title = "LoRA (q, v)"
    source = "arXiv 2106.09685"
    family = "low-rank"
    reads = {"rank": 8, "blocks": "all"}
    pads_rank = True
    where: tuple[str, ...] = ("query", "value")
    dora = False

    def peft_config(self) -> PeftConfig:
        from peft import LoraConfig

        return LoraConfig(
            r=self.axes.rank,
            lora_alpha=self.axes.rank,
            target_modules=self.targets(*self.where),
            use_dora=self.dora,
        )


class LoraAll(Lora):
    title = "LoRA (all linear)"
    where = ROLES
    pads_rank = True


class Dora(Lora):
    title = "DoRA (q, v)"
    source = "arXiv 2402.09353"
    dora = True
    pads_rank = True
