"""Plain LoRA (Hu et al. 2021, arXiv 2106.09685) and DoRA (Liu et al. 2024, arXiv 2402.09353), through `peft`.

alpha equals the rank, so that the update is not scaled and ranks compare. Blind to which modality is missing.
"""

from peft import LoraConfig, PeftConfig

from .through_peft import ThroughPeft

QUERY_VALUE = r"attention\.attention\.(query|value)"
ALL_LINEAR = r"attention\.attention\.(query|key|value)|attention\.output\.dense|intermediate\.dense|output\.dense"


class Lora(ThroughPeft):
    title = "LoRA (q, v)"
    source = "arXiv 2106.09685"
    family = "low-rank"
    reads = {"rank": 8, "blocks": "all"}
    pads_rank = True
    where = QUERY_VALUE
    dora = False

    def peft_config(self) -> PeftConfig:
        return LoraConfig(
            r=self.axes.rank,
            lora_alpha=self.axes.rank,
            target_modules=self.targets(self.where),
            use_dora=self.dora,
        )


class LoraAll(Lora):
    title = "LoRA (all linear)"
    where = ALL_LINEAR


class Dora(Lora):
    title = "DoRA (q, v)"
    source = "arXiv 2402.09353"
    dora = True
