"""Claims and verdicts as a table."""

from collections import Counter
from collections.abc import Sequence

from tabulate import tabulate

from mora_bench.claims.claim import Claim, ClaimOutcome

#: Why an interval may part from a table's of the same two rows, and of which networks a verdict is.
ALONE = (
    "Of a claim the two rows alone are tested; a table steadies its intervals by all of its rows, so that the two may "
    "differ by a factor of two. The claims are of ViLT-B/32; what is behind ours is MiniLM with picture tokens, and on "
    "the twins the small ViLT: a verdict is about these."
)


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
    table = tabulate(escaped, headers, tablefmt="github", disable_numparse=True)
    return f"{table}\n\n{ALONE}\n\n{len(rows)} claims: {totals}."
