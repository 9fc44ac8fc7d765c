"""Claims and verdicts as a table."""

from collections import Counter
from collections.abc import Sequence

from tabulate import tabulate

from mora_bench.claims.claim import Claim, Found


def markdown(tested: Sequence[tuple[Claim, Found]]) -> str:
    """One row a claim, then the number of each verdict."""
    rows = [
        [
            claim.name,
            claim.source,
            claim.says,
            claim.published,
            found.ours,
            claim.tolerance,
            found.verdict,
            found.why,
            found.behind,
        ]
        for claim, found in tested
    ]
    headers = ["claim", "source", "says", "published", "ours", "tolerance", "verdict", "why", "behind it"]
    counts = Counter(found.verdict for _, found in tested)
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    escaped = [[cell.replace("|", "\\|").replace("*", "\\*") for cell in row] for row in rows]
    return f"{tabulate(escaped, headers, tablefmt='github', disable_numparse=True)}\n\n{len(rows)} claims: {said}."
