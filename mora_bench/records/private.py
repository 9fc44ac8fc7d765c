"""Ids of patients do not go into a results folder: hashes with a salt of the folder stand for them."""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.files import DIGITS, beside, digest

#: Below a results folder: 32 bytes as hex digits. Who has it can try names until one fits, so it is never published.
FILE = "salt"


def salt(folder: Path) -> bytes:
    """The salt of a results folder, made when it is first asked for; the same for all who ask at the same time.

    Raises:
        UserError: the file is none.
    """
    file = folder / FILE
    if not file.exists():
        temporary = beside(file)
        folder.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_hex(32))
        try:
            # Unlike a rename, a link fails if somebody was first, and a salt that exists is whole.
            os.link(temporary, file)
        except FileExistsError:
            pass
        except OSError:
            # A file system without links.
            temporary.replace(file)
        with suppress(FileNotFoundError):
            temporary.unlink()
    try:
        return bytes.fromhex(file.read_text())
    except ValueError as error:
        raise UserError(
            f"{file}: not a salt (64 hex digits). Remove it; the ids in splits/ then change at the next start."
        ) from error


class Pseudonyms:
    """The names that stand for ids of patients in a results folder."""

    def __init__(self, folder: Path):
        self.salt = salt(folder)

    @property
    def key(self) -> str:
        """Tells one salt from another, and nothing of it."""
        return digest([self.salt])

    def name(self, name: str) -> str:
        """The name that stands for an id: HMAC-SHA256 with the folder's salt, 16 hex digits."""
        return hmac.new(self.salt, name.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:DIGITS]
