"""Opens a backbone's tokenizer, be it `tokenizers`' own file or BERT's vocab.txt."""

import json
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer

from mora_bench.errors import UserError


def lowers(file: Path) -> bool:
    """Whether texts are lowered before the pieces of a vocab.txt are looked up: `do_lower_case` of the
    tokenizer_config.json beside it, True where nothing says otherwise, as in BERT's own tokenizer.

    Raises:
        UserError: that file is no JSON.
    """
    config = file.with_name("tokenizer_config.json")
    if file.suffix != ".txt" or not config.is_file():
        return True
    try:
        settings = json.loads(config.read_text())
    except (ValueError, OSError) as error:
        raise UserError(f"{config}: not JSON ({error}). Download the backbone again.") from error
    return bool(settings.get("do_lower_case", True)) if isinstance(settings, dict) else True


def open_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer in `file` (tokenizer.json or vocab.txt), without padding or truncation.

    A report that happens to say "[SEP]" or "[MASK]" is text like any other.

    Raises:
        UserError: it is none, or adds no first token.
    """
    try:
        if file.suffix == ".txt":
            tokenizer = BertWordPieceTokenizer(str(file), lowercase=lowers(file))._tokenizer
        else:
            tokenizer = Tokenizer.from_file(str(file))
        # Fails where there is no piece for what is unknown.
        tokenizer.encode("\U0001f9ea")
        if not tokenizer.encode("").ids:
            raise ValueError("it gives an empty text no token, and features are read off the first, [CLS]")
    except Exception as error:
        # The library raises plain Exception.
        raise UserError(f"{file}: not a tokenizer that can be used ({error}). Download the backbone again.") from error
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
