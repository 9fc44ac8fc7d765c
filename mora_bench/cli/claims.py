"""claims: what was published, and whether our own results say the same."""

from dataclasses import dataclass
from pathlib import Path

from mora_bench.cli.options import parse
from mora_bench.errors import UserError


@dataclass(frozen=True)
class ClaimsOptions:
    """List published claims: value, ours, tolerance, verdict (reproduced, not reproduced, cannot tell, or cannot be
    tested here and why), and the records behind it."""

    results: Path = Path("results/reference")
    """folder of results folders by name, as the project ships it"""


def run(arguments: list[str]) -> int:
    options = parse(ClaimsOptions, "claims", arguments)
    if not options.results.is_dir():
        raise UserError(
            f"--results {options.results}: no such folder. It is in the project's repository, as results/reference."
        )
    from mora_bench.claims.claim import Folders
    from mora_bench.claims.published import CLAIMS
    from mora_bench.claims.table import markdown

    folders = Folders(options.results)
    print(markdown([(claim, claim.test(folders)) for claim in CLAIMS]))
    return 0
