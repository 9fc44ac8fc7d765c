"""Opens a backbone's tokenizer, be it `tokenizers`' own file or BERT's vocab.txt."""

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer


def open_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer in `file` (tokenizer.json or vocab.txt), without padding or truncation.

    A report that happens to say "[SEP]" or "[MASK]" is text like any other.
    """
    if file.suffix == ".txt":
        tokenizer = BertWordPieceTokenizer(str(file), lowercase=True)._tokenizer
    else:
        tokenizer = Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
