"""pretrain: make the small ViLT that ships with the package."""

from mora_bench.cli.options import parse


def run(arguments: list[str]) -> int:
    from mora_bench.backbones.small.pretrain import Pretraining, pretrain

    pretrain(parse(Pretraining, "pretrain", arguments))
    return 0
