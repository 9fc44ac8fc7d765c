"""IA3 (Liu et al. 2022, arXiv 2205.05638), through `peft`: learned factors on keys, values and the feed-forward's
hidden units."""

from peft import IA3Config, PeftConfig

from .through_peft import ThroughPeft

HIDDEN = r"output\.dense"


class Ia3(ThroughPeft):
    title = "IA3"
    source = "arXiv 2205.05638"
    family = "low-rank"
    reads = {"blocks": "all"}

    def peft_config(self) -> PeftConfig:
        return IA3Config(
            target_modules=self.targets(rf"attention\.attention\.(key|value)|{HIDDEN}"),
            feedforward_modules=self.targets(HIDDEN),
        )
