"""Sets of blocks as people write them."""

from mora_bench.errors import UserError


def parse_blocks(text: str, depth: int) -> tuple[int, ...]:
    """ "0", "0-2", "0,3,5", "all", "first half" or "last 2" -> ascending block numbers.

    Raises:
        UserError: not of that form, or a block outside 0..depth - 1.
    """
    if text == "all":
        return tuple(range(depth))
    if text == "first half":
        return tuple(range((depth + 1) // 2))
    if text in [f"last {n}" for n in range(1, depth + 1)]:
        return tuple(range(depth - int(text.split()[1]), depth))
    blocks: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if len(part) > 20 or not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"blocks {text[:80]!r} is not a set of blocks; write 0, 0-2, 0,3,5, last 2 or all.")
        highest = max(int(first), int(last or first))
        if highest >= depth:
            raise UserError(f"blocks {text!r}: block {highest} is outside the backbone's 0..{depth - 1}.")
        blocks.update(range(int(first), int(last or first) + 1))
    if not blocks:
        raise UserError(f"blocks {text!r} is empty; write the smaller number first, e.g. 0-2.")
    return tuple(sorted(blocks))
