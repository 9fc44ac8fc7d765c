"""Terminals that are narrow or know few letters, disks that are full: a readable line, never a trace."""

import errno
import os
import subprocess
import sys
import time

import pytest

from mora_bench.cli import main as cli
from mora_bench.cli.options import NARROWEST, WIDEST
from mora_bench.files import write_atomic


@pytest.mark.parametrize(("columns", "expected"), [("1", NARROWEST), ("1000000", WIDEST), ("100", 100)])
def test_help_is_laid_out_in_seconds_however_wide_the_terminal_is(columns, expected, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    begun = time.process_time()
    with pytest.raises(SystemExit) as ended:
        cli.main(["grid", "--help"])
    assert ended.value.code == 0
    assert time.process_time() - begun < 20
    assert os.environ["COLUMNS"] == str(expected)
    assert "--seeds" in capsys.readouterr().out


def test_a_stream_without_our_letters_gets_others():
    script = "from mora_bench.cli.main import main; from mora_bench.cli.output import readable; readable(); "
    script += "print('97.1 \\u00b1 1.5 \\u2014 \\u2193 \\u4e2d'); main(['grid', '--methods', '\\u4e2d'])"
    known = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=known, text=True, check=True)
    assert done.stdout == "97.1 +- 1.5 - v \\u4e2d\n"
    assert "unknown method '\\u4e2d'; known:" in done.stderr
    assert "should not happen" not in done.stderr


def full(*anything, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named_by_what_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomic(tmp_path / "records" / "a.json", b"{}")
    assert raised.value.filename == str(tmp_path / "records" / "a.json")


def test_a_full_disk_under_the_cache_is_named(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mora_bench.data.modalities.text.np.save", full)
    toy = ["--datasets", "odir", "--methods", "head", "--floors", "none", "--limit", "40", "--seeds", "0"]
    toy += ["--backbone", str(folder), "--recipe.max-text", "64", "--engine", "inline", "--out", str(tmp_path / "out")]
    assert cli.main(["grid", *toy]) == 1
    printed = capsys.readouterr().err
    assert f"{tmp_path / 'cache' / 'samples'}" in printed
    assert "No space left on device. What was finished before is kept." in printed


def test_a_full_disk_of_an_unknown_file_names_the_folders_where_it_may_lie(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mora_bench.cli.list.run", full)
    assert cli.main(["list"]) == 1
    printed = capsys.readouterr().err
    assert f"a file in the results folder, in {tmp_path / 'cache'} or in " in printed
    assert "No space left on device" in printed
