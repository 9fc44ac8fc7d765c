"""pretrain: make one of the small backbones that ship with the package, `small` or `small-dual`."""

from mora_bench.cli.options import parse
from mora_bench.errors import UserError

NAMES = ("small", "small-dual")


def run(arguments: list[str]) -> int:
    named = bool(arguments) and not arguments[0].startswith("-")
    name, rest = (arguments[0], arguments[1:]) if named else (NAMES[0], arguments)
    if name not in NAMES:
        raise UserError(f"pretrain {name!r}: this program makes {' and '.join(NAMES)}.")
    if name == "small-dual":
        from mora_bench.backbones.small.contrast import Contrast, contrast

        contrast(parse(Contrast, f"pretrain {name}", rest))
    else:
        from mora_bench.backbones.small.pretrain import Pretraining, pretrain

        pretrain(parse(Pretraining, "pretrain", rest))
    return 0
