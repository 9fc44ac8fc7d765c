"""Claims and verdicts as a table."""

from collections import Counter
from collections.abc import Sequence

from tabulate import tabulate

from mora_bench.claims.claim import Claim, ClaimOutcome


def markdown(tested: Sequence[tuple[Claim, ClaimOutcome]]) -> str:
    """One row a claim, then the number of each verdict."""
    rows = [
        [
            claim.name,
            claim.source,
            claim.says,
            claim.published,
            outcome.ours,
            claim.tolerance,
            outcome.verdict,
            outcome.why,
            outcome.behind,
        ]
        for claim, outcome in tested
    ]
    headers = ["claim", "source", "says", "published", "ours", "tolerance", "verdict", "why", "behind it"]
    counts = Counter(outcome.verdict for _, outcome in tested)
    totals = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    escaped = [[cell.replace("|", "\\|").replace("*", "\\*") for cell in row] for row in rows]
    return f"{tabulate(escaped, headers, tablefmt='github', disable_numparse=True)}\n\n{len(rows)} claims: {totals}."
