"""The shipped backbone's WordPiece vocabulary: trained on twin text, unable to produce [UNK].

Text is folded (NFKC, accents stripped, lower case) and what is then not printable ASCII becomes "?"; every printable
ASCII character is a piece of its own, at the start of a word and inside it. So any report can be tokenized without
[UNK]; words that the twins do not use become many pieces.
"""

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PRINTABLE = [chr(c) for c in range(0x21, 0x7F) if not chr(c).isupper()]


def train(texts: Iterable[str], size: int) -> Tokenizer:
    """Train a tokenizer of at most `size` pieces (and at least `SPECIAL` and every printable character twice).

    Which of several equally frequent merges comes first is up to the library's hash maps, so a second call may give
    slightly other pieces: to repeat a training, keep the file.
    """
    tokenizer = _tokenizer(models.WordPiece(unk_token="[UNK]"))
    trainer = trainers.WordPieceTrainer(
        vocab_size=size - len(PRINTABLE), special_tokens=SPECIAL, initial_alphabet=PRINTABLE, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    learned = sorted(tokenizer.get_vocab())
    pieces = list(dict.fromkeys(SPECIAL + PRINTABLE + [f"##{c}" for c in PRINTABLE] + learned))
    words = models.WordPiece(
        {piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]", max_input_chars_per_word=1_000_000
    )
    return _tokenizer(words)


def _tokenizer(model: models.WordPiece) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.NFD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s"), " "),
            normalizers.Replace(Regex(r"[^\x20-\x7e]"), "?"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if tokenizer.token_to_id("[CLS]") is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")]
        )
    return tokenizer
