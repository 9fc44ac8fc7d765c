"""Documents as records and scores, or as what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mora_bench.errors import UserError
from mora_bench.records.documents import Documents, Refused
from mora_bench.records.encoding import Brief, Kind, as_written, decode
from mora_bench.records.schema import OLDER, Record, Scores


def brief(documents: Documents, name: str, kind: type) -> Brief | None:
    """What a document says at its top; read whole only if it does not vouch for itself."""
    pack = documents.pack()
    if pack is not None and name in pack and not documents.file(name).exists():
        found = _top(pack.top(name))
        return found if found is not None and (found.digest or found.schema == OLDER) else None
    content = documents.read(name)
    if not isinstance(content, bytes):
        return None
    if not as_written(content) and isinstance(typed(documents, name, kind, content), Refused):
        return None
    return msgspec.json.decode(content, type=Brief)


def _top(said: dict[str, str | int]) -> Brief | None:
    try:
        return msgspec.convert(said, Brief)
    except msgspec.ValidationError:
        return None


def typed(documents: Documents, name: str, kind: type[Kind], content: bytes | Refused | None) -> Kind | Refused:
    """A document as what it should be, under its own name."""
    if isinstance(content, Refused):
        return content
    if content is None:
        return Refused(documents.file(name), "absent")
    try:
        value = decode(content, kind)
    except (ValueError, msgspec.MsgspecError, UserError, RecursionError) as error:
        return documents.refused(name, f"not a {kind.__name__.lower()} ({error}); it is left out")
    known = [value.score_key, f"{value.key}-{value.scoring.key}"] if isinstance(value, Scores) else []
    known = [value.key, value.cell.key] if isinstance(value, Record) else known
    other = next((own for own in known if own != name), None)
    if other is not None:
        return documents.refused(name, f"its name is not that of what it holds ({other}); it is left out")
    return value


def sorted_out(documents: Documents, kind: type[Kind], names: Iterable[str] | None) -> tuple[list[Kind], list[Refused]]:
    found, refused = [], []
    for name, content in documents.all(names):
        value = typed(documents, name, kind, content)
        if isinstance(value, Refused):
            refused.append(value)
        else:
            found.append(value)
    return found, refused
