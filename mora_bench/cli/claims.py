"""claims: published claims, and whether our results reproduce them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench.cli.common import Answering
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.claims.claim import Claim, ClaimOutcome


@dataclass(frozen=True, kw_only=True)
class ClaimsOptions(Answering):
    """List published claims: value, ours, tolerance, verdict (reproduced, not reproduced, inconclusive, or cannot be
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
    tested = [(claim, claim.test(folders)) for claim in CLAIMS]
    print(markdown(tested))
    answer(lambda: [_entry(claim, outcome) for claim, outcome in tested])
    return 0


def _entry(claim: Claim, outcome: ClaimOutcome) -> dict[str, str]:
    return {name: text for name, text in vars(claim).items() if isinstance(text, str)} | vars(outcome)
