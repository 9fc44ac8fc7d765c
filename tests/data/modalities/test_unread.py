"""Ends of texts that are cut off and characters that a vocabulary lacks are counted, kept with a record and said."""

import dataclasses

import pytest
from by_hand import record
from conftest import RECIPE, make_cell
from tokenizers import Tokenizer, models, pre_tokenizers

from mora_bench import campaign
from mora_bench.backbones import load as backbones
from mora_bench.data.cache import prepare
from mora_bench.data.modalities.unread import unknown_share, unread
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins
from mora_bench.report import frame, tables
from mora_bench.report.compare import compare

RULES = backbones.resolve("small", 64).rules


def of_texts(*texts) -> Table:
    table = twins.cxr(range(len(texts)))
    return dataclasses.replace(table, modalities={"text": Column("text", texts)})


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (("clear lungs", None), 0),
        # The normalizer writes its accents and ligatures in ASCII; a "?" of the text is one.
        (("où ? ﬁbrose", None), 0),
        (("пневмония", "нормально"), 1),
        (("x ≥ 3", "abcdef"), 1 / 9),
    ],
)
def test_characters_that_the_shipped_vocabulary_lacks(texts, share, tmp_path):
    facts = prepare(of_texts(*texts), "f", RULES, tmp_path).facts()["text"]
    assert facts.get("unknown characters", 0) == pytest.approx(share)
    assert ("unknown characters" in facts) == (share > 0)


def test_words_that_become_the_unknown_token():
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "clear": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    texts = ["clear clear", "clear lungs", ""]
    assert unknown_share(texts, tokenizer.encode_batch(texts), tokenizer) == 5 / 20


def test_what_an_earlier_version_decoded_says_nothing_of_characters(tmp_path):
    decoded = prepare(of_texts("пневмония"), "f", RULES, tmp_path)
    (kept,) = decoded.folders
    (kept / "0" / "unknown.npy").unlink()
    text = Table.kind(decoded.table, "text")
    assert text.open(kept / "0").facts() == {"truncated": 0.0}


def test_words_for_what_is_not_read():
    assert unread("note", {"truncated": 0.0, "canvas": [8, 8]}) == []
    # A stranger's record may say anything.
    assert unread("note", {"truncated": "all", "unknown characters": None}) == []
    cut, unknown = unread("note", {"truncated": 0.55, "unknown characters": 0.001})
    assert cut == "55 % of the texts of note are longer than what is read of them: their ends are cut off"
    assert unknown.startswith("less than 1 % of the characters of note are unknown to the vocabulary")


def test_tables_say_it_below():
    entry, scores = record(f1=0.5)
    contents = {"text": {"truncated": 0.25}, "image": {"canvas": [8, 8]}}
    entry.data.contents.update(contents)
    (table,) = compare(frame.cells([entry], [scores]))
    words = "25 % of the texts of text are longer than what is read of them: their ends are cut off"
    assert f"{entry.cell.dataset}: {words} ({entry.cell.backbone})." in table.notes
    assert words in tables.markdown(table)


def test_a_grid_says_it_before_it_trains(folder, runtime, capsys):
    cell = make_cell(runtime, folder, method="head", recipe=dataclasses.replace(RECIPE, max_text=8))
    campaign.prepare([cell], runtime)
    said = capsys.readouterr().err
    assert f"{cell.backbone}: " in said
    assert "of the texts of text are longer than what is read of them" in said
    assert said.count("cut off") == 1
