"""Names and texts of patients do not go into a results folder: hashes with a salt of the folder stand for them."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.files import DIGITS, beside, digest

#: Below a results folder: 32 bytes as hex digits. Who has it can try names until one fits, so it is never published.
FILE = "salt"
#: Letters of a text that an error shows at least, if it shows it at all; shorter texts are words of any message.
SHOWN = 24
#: What may stand before a name, so that a plain number is known to be one.
BEFORE = re.compile(r"(\b(?:sample|patient|study|id)s?\s+)(['\"]?)([\w.-]+)(\2)")
WORD = re.compile(r"[\w.-]+")


def salt(folder: Path) -> bytes:
    """The salt of a results folder, made when it is first asked for; the same for all who ask at the same time.

    Raises:
        UserError: the file is none.
    """
    file = folder / FILE
    if not file.exists():
        own = beside(file)
        folder.mkdir(parents=True, exist_ok=True)
        own.touch(mode=0o600)
        own.write_text(secrets.token_hex(32))
        try:
            # Unlike a rename, a link fails if somebody was first, and what there is is whole.
            os.link(own, file)
        except FileExistsError:
            pass
        except OSError:
            # A file system without links.
            own.replace(file)
        with suppress(FileNotFoundError):
            own.unlink()
    try:
        return bytes.fromhex(file.read_text())
    except ValueError as error:
        raise UserError(
            f"{file}: not a salt (64 hex digits). Remove it; the ids in splits/ then change at the next start."
        ) from error


class Hidden:
    """Says of a results folder's data what may be kept.

    Args:
        folder: of the results; names: of samples, patients, files; texts: of any modality; root: where the data lie.
    """

    def __init__(self, folder: Path, names: Iterable[str] = (), texts: Iterable[str] = (), root: Path | None = None):
        self.folder = folder
        self.names = frozenset(names)
        self.texts = [text for text in texts if len(text) >= SHOWN]
        self.roots = sorted({str(root), str(root.absolute()), str(root.resolve())}, reverse=True) if root else []

    @cached_property
    def salt(self) -> bytes:
        return salt(self.folder)

    @property
    def key(self) -> str:
        """Tells one salt from another, and nothing of it."""
        return digest([self.salt])

    def name(self, name: str) -> str:
        """What stands for an id: HMAC-SHA256 with the folder's salt, 16 hex digits."""
        return hmac.new(self.salt, name.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:DIGITS]

    def message(self, text: str) -> str:
        """A message without names, texts and files of the data. A name that is a plain number is one only where the
        message says so ("sample 17"), because messages have numbers of other kinds."""
        for root in self.roots:
            text = re.sub(re.escape(root) + r"/?([^\s'\":;,()]*)", lambda found: self._file(found[1]), text)
        for own in self.texts:
            if own[:SHOWN] in text:
                text = text.replace(own, "(a text)").replace(own[:SHOWN], "(a text) ")
        text = BEFORE.sub(lambda f: f[1] + f[2] + (self.name(f[3]) if f[3] in self.names else f[3]) + f[4], text)
        for odd in (name for name in self.names if not WORD.fullmatch(name)):
            text = text.replace(odd, self.name(odd)) if len(odd) > 3 else text
        return WORD.sub(self._word, text)

    def _word(self, found: re.Match[str]) -> str:
        # The name of a picture is often its patient's, and a name may end a sentence.
        parts = found[0].split(".")
        for count in range(len(parts), 0, -1):
            own = ".".join(parts[:count])
            if own in self.names and not own.isdecimal():
                return ".".join([self.name(own), *parts[count:]])
        return found[0]

    def _file(self, path: str) -> str:
        return f"DATA/{self.name(Path(path).name)}{Path(path).suffix[:8]}" if path else "DATA"
