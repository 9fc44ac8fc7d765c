"""Control and direction characters of strangers: stored as they are, shown as escapes wherever text leaves."""

import contextlib
import csv
import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from by_hand import failed, record
from conftest import make_cell
from PIL import Image

from mora_bench.cli import main as cli
from mora_bench.cli.progress import Progress
from mora_bench.records.store import Store
from mora_bench.report.card import card
from mora_bench.report.write import read
from mora_bench.text import OBEYED, Door, all_visible, behind, coloured, doors, listed, visible
from mora_bench.trackers.contract import as_run
from mora_bench.training import export

#: A title for the window, a colour (C1), a carriage return, an override of direction, an isolate, a mark, a separator.
EVIL = "\x1b]0;owned\x07\x9b31m\rx\u202eevil\u2066\u200f\u2028\x7f"
SHOWN = "\\x1b]0;owned\\x07\\x9b31m\\rx\\u202eevil\\u2066\\u200f\\u2028\\x7f"
RAW = re.compile(f"[{OBEYED}]")


def clean(text):
    assert not RAW.search(text), ascii(text)
    return text


def searched(folder):
    """Every text that was made for readers below a folder; what is stored, as it is, is left out."""
    texts = {}
    for file in sorted(Path(folder).rglob("*")):
        if file.suffix in (".md", ".csv", ".tex", ".html", ".svg", ".txt"):
            texts[file.name] = clean(file.read_text(encoding="utf-8"))
    return texts


def test_what_is_obeyed_becomes_an_escape_and_all_else_stays():
    assert visible(EVIL) == SHOWN
    assert visible("tabs\tand\nlines, ±, —, ä, 漢字, 👩‍⚕️") == "tabs\tand\nlines, ±, —, ä, 漢字, 👩‍⚕️"
    assert all(visible(chr(code)) != chr(code) for code in [*range(9), *range(11, 32), *range(127, 160)])
    assert all(
        visible(chr(code)) != chr(code) for code in [0x61C, 0x200E, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    )
    assert all_visible({"\x1b": ["\u202e", 1, None, ("\x07",)]}) == {"\\x1b": ["\\u202e", 1, None, ["\\x07"]]}


def test_of_a_long_list_the_first_are_named_and_the_others_counted():
    assert listed([], 2) == ""
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed(["a", "b", "c", "d"], 2, "; ") == "a; b; and 2 more"
    assert listed(["a", "b", "c"], 1, "\n") == "a\n... and 2 more"


def test_colours_pass_where_they_are_our_own_and_nothing_else_does():
    out = io.StringIO()
    door = Door(out)
    door.write("\x1b[1mbold\x1b[0m")
    door.colours = True
    door.write("\x1b[1mbold\x1b[0m \x1b[2J\x1b]0;x")
    assert out.getvalue() == "\\x1b[1mbold\\x1b[0m" + "\x1b[1mbold\x1b[0m \\x1b[2J\\x1b]0;x"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_a_stream_cannot_encode_is_an_escape(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Door(stream).write("± 漢 \udcff")
    stream.flush()
    text = raw.getvalue().decode(encoding)
    assert text == {"ascii": "\\xb1 \\u6f22 \\udcff", "latin-1": "± \\u6f22 \\udcff", "utf-8": "± 漢 \\udcff"}[encoding]


def test_doors_stand_once_and_go_again(capsys):
    before = sys.stdout, sys.stderr
    with doors(), doors():
        print(EVIL)
        print(EVIL, file=sys.stderr)
        assert behind(sys.stdout) is before[0]
        assert sys.stdout == before[0]
        with coloured(True):
            print("\x1b[1m")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == (f"{SHOWN}\n\x1b[1m\n", f"{SHOWN}\n")


def named_by_a_stranger(name, seed, score):
    """A record and its scores, with whatever text a stranger may have written into them."""
    done, scored = record(name, seed, score, family=EVIL, dataset=f"odir{EVIL}", knobs=((EVIL, EVIL),), impute=EVIL)
    about = msgspec.structs.replace(done.data, labels=[EVIL, "$x$"], contents={EVIL: {EVIL: 1}})
    for setting in scored.test.values():
        setting.scores["f1_per_class"] = [0.4, 0.5]
        setting.groups[EVIL] = {"f1_macro": 0.5, "n": 3}
    return msgspec.structs.replace(done, data=about), scored


@pytest.fixture
def stranger(tmp_path):
    """A stranger's results folder, whose own name is no better."""
    folder = tmp_path / EVIL
    names = [(name, seed) for name in ("mora", f"lora{EVIL}") for seed in range(3)]
    pairs = [named_by_a_stranger(name, seed, 0.5 + seed / 100) for name, seed in names]
    lost, _ = failed("map", 0, dataset=f"odir{EVIL}")
    lost.error = EVIL
    for entry, scored in [*pairs, (lost, None)]:
        Store(folder).write(entry.cell, entry, {} if scored else None, scored)
    (folder / "records" / f"{EVIL}.json").write_text(EVIL)
    (folder / "logs").mkdir()
    (folder / "logs" / f"{pairs[0][0].key}.log").write_text(f"10:00:00 {EVIL}")
    return folder


def test_what_a_stranger_wrote_is_kept_in_the_records(stranger):
    records = Store(stranger).records()[0]
    assert {entry.cell.dataset for entry in records} == {f"odir{EVIL}"}


@pytest.mark.parametrize(
    "verb",
    [
        "report --figures",
        "report --json",
        "verify",
        "verify --json",
        "compare",
        "rescore",
        "publish",
        "merge",
    ],
)
def test_no_verb_shows_what_is_obeyed(stranger, tmp_path, verb, capfd):
    name, *more = verb.split()
    into = {
        "compare": [str(stranger)],
        "publish": ["--into", str(tmp_path / "pub")],
        "merge": ["--into", str(tmp_path / "m")],
    }
    cli.main([name, str(stranger), *into.get(name, []), *more])
    out, err = capfd.readouterr()
    assert "\\x1b]0;owned" in out + err or "\\u001b]0;owned" in out + err
    clean(out)
    clean(err)
    searched(tmp_path)
    if more == ["--figures"]:
        texts = searched(stranger)
        for file in ("comparison-twin.md", "comparison-twin.csv", "comparison-twin.tex", "scores.csv", "report.html"):
            assert "owned" in texts[file], file
        assert any(file.endswith(".svg") and SHOWN in text for file, text in texts.items())
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', texts["report.html"], re.S)[1]
        clean(json.dumps(json.loads(data), ensure_ascii=False))


def test_cards_and_trackers_hold_nothing_that_is_obeyed(stranger):
    results = read(stranger)
    for text in (
        card(results, {entry.key for entry in results.records}, EVIL, EVIL, [EVIL]),
        *map(adapters_card, results.records),
    ):
        assert "owned" in clean(text)
    imputed = next(record for record in results.records if record.cell.impute != "dummy")
    run = as_run(imputed, results.scores[0])
    clean(run.label + json.dumps(run.settings, ensure_ascii=False))
    assert run.settings["impute"] == SHOWN


def adapters_card(entry):
    scored = named_by_a_stranger("mora", 0, 0.5)[1]
    return export.card(entry, scored, loadable=True) if entry.data else "owned"


def test_labels_on_an_adapters_card_are_text():
    done, scored = named_by_a_stranger("mora", 0, 0.5)
    done = msgspec.structs.replace(done, data=msgspec.structs.replace(done.data, labels=["<img src=x>", "a|b", "*c*"]))
    text = export.card(done, scored, loadable=False)
    assert "| labels | \\<img src=x\\>, a\\|b, \\*c\\* |" in text


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        raise OSError


def test_a_progress_bar_moves_the_cursor_and_no_stranger_does(runtime, folder, stranger, monkeypatch):
    cell = dataclasses.replace(make_cell(runtime, folder, method="head"), knobs=((EVIL, EVIL),))
    runtime = dataclasses.replace(runtime, out=stranger)
    Store(stranger).log_file(cell).write_text(f"10:00:00 {EVIL}")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    with doors(), Progress({cell: None}, 0, runtime) as bar:
        bar.bar.set_postfix_str(visible("; ".join(bar.in_work())))
        bar.say(f"failed: {EVIL}")
        bar.bar.refresh()
    shown = terminal.getvalue()
    assert f"failed: {SHOWN}\n" in shown
    assert "\r" in shown
    clean(re.sub("\r|\x1b\\[A", "", shown))
    assert "owned" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        [f"report{EVIL}"],
        ["report", EVIL],
        ["report", "a", EVIL],
        ["grid", "--preset", f"{EVIL}.toml"],
        ["check", EVIL],
        ["data", EVIL, "--labels", "a"],
    ],
)
def test_what_is_wrong_is_said_without_being_obeyed(arguments, capsys):
    with pytest.raises(SystemExit) if len(arguments) > 2 and arguments[0] == "report" else contextlib.nullcontext():
        assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert "owned" in clean(captured.out + captured.err)


def test_a_preset_with_characters_that_are_obeyed_is_refused(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text('datasets = ["odir\\u001b[2J"]\n')
    assert cli.main(["grid", "--preset", str(file), "--help"]) == 2
    message = clean(capsys.readouterr().err)
    assert (
        message
        == f"mora_bench: {file}: datasets: a text holds a control or direction character. Write what can be seen.\n"
    )


@pytest.fixture
def table(tmp_path):
    """A table of one's own whose columns and name hold what a stranger likes."""
    root = tmp_path / "own"
    root.mkdir()
    rng = np.random.default_rng(0)
    for i in range(60):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(root / f"{i}.png")
    frame = pd.DataFrame({f"film{EVIL}": [f"{i}.png" for i in range(60)], f"note{EVIL}": ["clear heart"] * 60})
    frame[f"finding{EVIL}"] = ["one\x9b31m\u202e", "two"] * 30
    file = root / f'x{EVIL}"""; import os.csv'
    frame.to_csv(file, index=False, quoting=csv.QUOTE_ALL)
    return file


def test_a_table_of_ones_own_with_such_names_runs_and_shows_escapes(table, tmp_path, folder, monkeypatch, cache):
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "mora_bench", "data", str(table), "--name", "x", "--labels", f"finding{EVIL}", "--image",
        f"film{EVIL}", "--text", f"note{EVIL}", "--out", str(out), "--methods", "head", "--floors", "prior",
        "--missing", "complete", "--seeds", "0", "--recipe.epochs", "1", "--recipe.max-text", "64", "--backbone",
        str(folder), "--save-adapters", "--workers", "2",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=Path(__file__).parents[1],
        env=os.environ | {"MORA_BENCH_CACHE": str(cache), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    printed = clean(done.stdout.decode("ascii") + done.stderr.decode("ascii"))
    assert done.returncode == 0, printed
    assert "x\\x1b]0;owned" in printed
    assert "one\\x9b31m\\u202e" in printed
    assert "one\\\\x9b31m\\\\u202e" in searched(out)["README.md"]
    ((entry, *_), _) = Store(out).records()
    assert "one\x9b31m\u202e" in entry.data.labels
    compile((out / "x.py").read_text(), "x.py", "exec")


def test_a_label_with_such_characters_is_refused_by_name(table, capsys, tmp_path):
    frame = pd.read_csv(table)
    frame["ill"] = [EVIL.replace(";", ""), "two"] * 30
    file = tmp_path / "own" / "table.csv"
    frame.to_csv(file, index=False, quoting=csv.QUOTE_ALL)
    assert cli.main(["data", str(file), "--labels", "ill", "--text", f"note{EVIL}", "--out", str(tmp_path / "x")]) == 2
    assert "\\x1b]0owned" in clean(capsys.readouterr().err)
