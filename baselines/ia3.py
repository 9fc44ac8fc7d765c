"""IA3 (Liu et al. 2022, arXiv 2205.05638), through `peft`: learned factors on keys, values and the feed-forward's
hidden units."""

from mora_baselines.through_peft import ThroughPeft
from peft import IA3Config, PeftConfig

HIDDEN = r"output\.dense"


class Ia3(ThroughPeft):
    title = "IA3"
    source = "arXiv 2205.05638"
    family = "low-rank"
    reads = {"blocks": "all"}

    def peft_config(self) -> PeftConfig:
        return IA3Config(
            target_modules=self.modules(rf"attention\.attention\.(key|value)|{HIDDEN}"),
            feedforward_modules=self.modules(HIDDEN),
        )
