"""Many documents as one columnar file: given back to the byte, opened by others, damage kept small."""

import json
import re

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mora_bench.records import pack
from mora_bench.records.pack import GROUP, Pack, packed

NAMES = st.text(st.sampled_from('ab./[]~0\0é𝄞 \n"'), max_size=4) | st.text(max_size=3)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([10**400, 2**63, -(2**64)])
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=4) | st.dictionaries(NAMES, v, max_size=4), max_leaves=12)


def ours(value) -> bytes:
    """As records and scores are written."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode(errors="ignore") + b"\n"


def given_back(documents):
    return dict(Pack(packed(documents)).documents())


@settings(deadline=None, max_examples=150)
@given(st.lists(VALUES, min_size=1, max_size=4))
@example([{"a": {"": 1}, "b": {"/": [{}, [], [[0]]], "[0]": None, "~0": True}}, {"": {"": []}}])
@example([{"\0": "\0", "a": 1}, {"n": [1, 1.0, -0.0, 1e300, 2**53 + 1, 10**25]}, [], "", 0])
@example([{"a": 1, "digest": 2**70}, {"a/b": 1, "a": {"b": 2}}])
@example([{"": {"0": None}, "0": {"": None}}, {"": [0], "a": {"": 1}}])
def test_any_documents_come_back_to_the_byte(values):
    documents = {f"d{number}": ours(value) for number, value in enumerate(values)}
    assert given_back(documents) == documents


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.encode))
@example(b"")
@example(b"{")
@example(b"[" * 5000 + b"]" * 5000)
@example(b'{"a": 1, "a": 2}')
@example(b'{"a":1}')
@example(b'{"a": "\\u0041"}\n')
@example(b'{\n "a": 1.50\n}\n')
def test_what_is_written_another_way_or_is_no_json_comes_back_as_it_is(content):
    assert given_back({"x": content, "y": b'{\n "a": 1\n}\n'}) == {"x": content, "y": b'{\n "a": 1\n}\n'}


def test_what_is_no_text_is_refused():
    with pytest.raises(ValueError, match="utf-8"):
        packed({"x": b"\xff"})
    with pytest.raises(ValueError, match="nothing to pack"):
        packed({})


def test_a_row_is_a_value_and_one_line_of_pandas_finds_a_score(tmp_path):
    documents = {
        f"cell-{n}": ours({"key": f"k{n}", "test": {"both": {"f1": [n / 4, n]}}, "none": None}) for n in range(3)
    }
    (tmp_path / "scores.parquet").write_bytes(packed(documents))
    rows = pd.read_parquet(tmp_path / "scores.parquet")
    assert rows.columns.tolist() == ["name", "path", "kind", "number", "text"]
    assert rows[rows.name == "cell-2"].astype(object).where(rows.notna(), None).values.tolist() == [
        ["cell-2", "key", "text", None, "k2"],
        ["cell-2", "test/both/f1[0]", "number", 0.5, None],
        ["cell-2", "test/both/f1[1]", "integer", 2.0, None],
        ["cell-2", "none", "literal", None, "null"],
    ]
    assert rows.set_index(["name", "path"]).number["cell-1", "test/both/f1[0]"] == 0.25
    assert rows[rows.path == "test/both/f1[0]"].number.sum() == 0.75


@pytest.fixture(scope="module")
def many():
    """Documents of three groups and a bit."""
    return {f"d{n:03}": ours({"n": n, "numbers": [n / 7, n / 3], "text": f"t{n}" * 9}) for n in range(3 * GROUP + 5)}


def test_the_top_of_a_document_is_known_without_it(many):
    opened = Pack(packed(many))
    assert opened.top("d007") == {"n": 7, "text": "t7" * 9}
    assert list(opened) == sorted(many)
    assert "d007" in opened
    assert "d900" not in opened


def test_each_byte_belongs_to_a_group_or_to_what_lies_behind_them(many):
    content = packed(many)
    groups = Pack(content).index.groups
    assert [begin for begin, _, _ in groups] == [0, *(end for _, end, _ in groups[:-1])]
    assert groups[-1][1] < len(content)


@pytest.mark.parametrize("group", range(4))
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 1.0])
def test_damage_to_a_group_costs_its_documents_alone(many, group, part):
    content = bytearray(packed(many))
    begin, end, _ = Pack(bytes(content)).index.groups[group]
    content[begin + int(part * (end - 1 - begin))] ^= 4
    opened = Pack(bytes(content))
    ordered = sorted(many)
    assert opened.damaged == set(ordered[group * GROUP : (group + 1) * GROUP])
    assert dict(opened.documents()) == {name: document for name, document in many.items() if name not in opened.damaged}


def test_any_byte_behind_the_groups_that_flips_is_noticed(many):
    content = packed(dict(list(many.items())[:3]))
    begin = Pack(content).index.groups[-1][1]
    for at in range(begin, len(content), 7):
        spoilt = bytearray(content)
        spoilt[at] ^= 1 << at % 8
        with pytest.raises(ValueError, match="its index"):
            Pack(bytes(spoilt))


def test_a_file_that_is_cut_or_none_is_refused(many):
    content = packed(many)
    for spoilt in (b"", b"PAR1", content[:-1], content[: len(content) // 2], content + b"\0", b"{}" * 99):
        with pytest.raises(ValueError, match="its index cannot be read"):
            Pack(spoilt)


def test_a_parquet_file_of_others_is_refused(tmp_path):
    pd.DataFrame({"name": ["a"]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="its index cannot be read"):
        Pack((tmp_path / "x.parquet").read_bytes())


def test_a_version_of_the_future_is_refused(many, monkeypatch):
    monkeypatch.setattr(pack, "VERSION", 2)
    content = packed(many)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=re.escape("it is packed in version 2; this one reads 1: update")):
        Pack(content)


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", ".x", "..", "", "a\0"])
def test_a_document_whose_name_leads_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match="no plain name"):
        Pack(packed({name: b"{}", "a": b"{}"}))


def test_values_that_were_changed_give_no_document_or_another_one_and_never_an_error(many, monkeypatch):
    """A hand that writes other rows and signs the index again."""
    monkeypatch.setattr(pack, "rows_of", lambda content: [("a[3]", "number", None, None), ("a/b", "what", 1.0, "x")])
    content = packed(dict(list(many.items())[:2]))
    monkeypatch.undo()
    for _, error in Pack(content).documents():
        assert isinstance(error, ValueError)
        assert "cannot be unpacked" in str(error)
