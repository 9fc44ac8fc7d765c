"""No text becomes [UNK]."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mora_bench.backbones.small.vocabulary import PRINTABLE, train
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.data.modalities.wordpiece import open_tokenizer

TOKENIZER = open_tokenizer(SHIPPED / "tokenizer.json")


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_nothing_is_unknown(text):
    assert TOKENIZER.token_to_id("[UNK]") not in TOKENIZER.encode(text).ids


@pytest.mark.parametrize("text", ["x" * 5000, "µ½Ω", "\uff0c\u3002", "a\tb\nc", "\x00", "[UNK] [SEP][MASK]"])
def test_nothing_odd_is_unknown_either(text):
    assert "[UNK]" not in TOKENIZER.encode(text).tokens


def test_every_printable_character_is_a_piece_alone_and_inside_a_word():
    for character in PRINTABLE:
        assert TOKENIZER.token_to_id(character) is not None
        assert TOKENIZER.token_to_id(f"##{character}") is not None


def test_empty_text_is_cls_sep():
    assert TOKENIZER.encode("").tokens == ["[CLS]", "[SEP]"]


def test_frequent_words_become_single_pieces():
    tokenizer = train(["cataract with glaucoma"] * 50, 400)
    assert tokenizer.encode("Cataract").tokens == ["[CLS]", "cataract", "[SEP]"]
