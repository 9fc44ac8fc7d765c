"""Data files that change under equal size and time: each change is noticed by whoever plans, without being asked to.

The suite tries a sample of the changes; MORA_BENCH_HUNT=100 as many as it says.
"""

import io
import os
import random
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from volumes import write_dicom, write_nifti

from mora_bench.cli import main as cli
from mora_bench.data import datasets
from mora_bench.data.groups import regrouped
from mora_bench.data.readers.own import own_table
from mora_bench.errors import UserError
from mora_bench.files import DIGITS, read_sealed, write_sealed
from mora_bench.records.store import Store

CHANGES = int(os.environ.get("MORA_BENCH_HUNT", "24"))
N = 8
#: A modification time that all files have, nanoseconds.
TIME = 1_700_000_000 * 10**9
#: The size of a JPEG, which is filled up behind its end.
JPEG = 4000
SUFFIXES = (".png", ".jpg", ".tif", ".dcm", ".nii")
WORDS = ("heart", "lungs", "spine", "aorta")


def write(file, seed):
    """A picture whose size in bytes depends on its suffix alone."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
    if file.suffix == ".dcm":
        write_dicom(file, rng.integers(0, 4000, (8, 8)).astype(np.int16))
    elif file.suffix == ".nii":
        write_nifti(file, cal_max=10 + 10 * rng.random())
    elif file.suffix == ".jpg":
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG")
        file.write_bytes(out.getvalue().ljust(JPEG, b"\0"))
    else:
        Image.fromarray(pixels).save(file, **({"compress_level": 0} if file.suffix == ".png" else {}))


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Records with a picture of each kind, as CSV and as XLSX whose parts are stored as they are."""
    root = tmp_path_factory.mktemp("clean")
    rows = []
    for i in range(N):
        names = {suffix: f"{i}{suffix}" for suffix in SUFFIXES}
        for number, name in enumerate(names.values()):
            write(root / name, 100 * i + number)
        rows.append({"id": f"id{i}", "ill": i % 2, "note": WORDS[i % 4], "age": 40 + i, **names})
    frame = pd.DataFrame(rows)
    frame.to_csv(root / "table.csv", index=False)
    frame.to_excel(root / "table.xlsx", index=False)
    rezipped(root / "table.xlsx", lambda _, content: content)
    for file in root.iterdir():
        os.utime(file, ns=(TIME, TIME))
    return root


def rezipped(file, change):
    with zipfile.ZipFile(file) as before:
        parts = {name: change(name, before.read(name)) for name in before.namelist()}
    with zipfile.ZipFile(file, "w") as after:
        for name, content in parts.items():
            after.writestr(zipfile.ZipInfo(name), content)


def flipped(file, sibling, chance):
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def noise(file, sibling, chance):
    write(file, chance.randrange(10**6, 10**7))


def copied_over(file, sibling, chance):
    """As rsync does: beside it, with its time, renamed over it."""
    beside = file.with_name(f"beside{file.suffix}")
    write(beside, chance.randrange(10**6, 10**7))
    os.utime(beside, ns=(TIME, TIME))
    beside.replace(file)


def unpacked(file, sibling, chance):
    """As tar does: removed and written."""
    file.unlink()
    write(file, chance.randrange(10**6, 10**7))


def exchanged(file, sibling, chance):
    aside = file.with_name("aside")
    file.rename(aside)
    sibling.rename(file)
    aside.rename(sibling)


def linked(file, sibling, chance):
    file.unlink()
    os.link(sibling, file)


def led_elsewhere(file, sibling, chance):
    file.unlink()
    file.symlink_to(sibling.name)


def reworded(file, sibling, chance):
    """Another word, id, age or picture in a table."""
    old, new = chance.choice(
        [(b"heart", b"beard"), (b"spine", b"spike"), (b"id3", b"id9"), (b"43", b"83"), (b"4.png", b"5.png")]
    )
    if file.suffix == ".csv":
        file.write_bytes(file.read_bytes().replace(old, new, 1))
    else:
        cells = ("sharedStrings.xml", "sheet1.xml")
        rezipped(file, lambda name, content: content.replace(old, new, 1) if name.endswith(cells) else content)


OF_PICTURES = (flipped, noise, copied_over, unpacked, exchanged, linked, led_elsewhere)


def read(root, table):
    columns = {"labels": ["ill"], "text": ["note"], "table": ["age"], "id": "id"}
    return own_table("hunt", table, image=list(SUFFIXES), **columns).read(root)


def planned(root, table, anew=False):
    """The fingerprint that a grid is planned on, or why the data are refused."""
    try:
        return datasets.fingerprint(read(root, table), root.parent, anew)
    except UserError as refused:
        return str(refused)


@pytest.mark.parametrize("number", range(CHANGES))
def test_a_change_of_equal_size_and_time_is_noticed(clean, tmp_path, number):
    chance, root = random.Random(number), tmp_path / "root"
    shutil.copytree(clean, root)
    table = chance.choice(["table.csv", "table.xlsx"])
    before = planned(root, table)
    assert planned(root, table) == before
    assert len(before) == DIGITS
    change = (*OF_PICTURES, reworded)[number % (1 + len(OF_PICTURES))]
    suffix = SUFFIXES[(number // 8) % len(SUFFIXES)]
    one, two = chance.sample(range(N), 2)
    file = root / table if change is reworded else root / f"{one}{suffix}"
    size, content = file.stat().st_size, file.read_bytes()
    change(file, root / f"{two}{suffix}", chance)
    os.utime(file, ns=(TIME, TIME))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (size, TIME)
    assert file.read_bytes() != content
    after = planned(root, table)
    assert after != before
    assert len(after) == DIGITS or str(root) in after
    assert planned(root, table, anew=True) == after


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """A folder in which a picture tells the class, and the arguments of a grid on it."""
    root = tmp_path / "colours"
    root.mkdir()
    for i in range(60):
        Image.new("RGB", (16, 16), ("black", "white")[i % 2]).save(root / f"{i}.bmp")
        os.utime(root / f"{i}.bmp", ns=(TIME, TIME))
    frame = pd.DataFrame({"ill": [i % 2 for i in range(60)], "film": [f"{i}.bmp" for i in range(60)]})
    frame.to_csv(root / "table.csv", index=False)
    (tmp_path / "mine.py").write_text(
        "from mora_bench.api import own_table\nMINE = own_table('mine', 'table.csv', labels=['ill'], image=['film'])\n"
    )
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    return [
        "grid", "--plugin", str(tmp_path / "mine.py"), "--datasets", "mine", "--data-root", str(root), "--floors",
        "none", "--methods", "pixels", "--missing", "complete", "--seeds", "0", "--workers", "1",
    ]  # fmt: skip


def command(arguments, capsys):
    """What a command prints."""
    assert cli.main(arguments) == 0
    return capsys.readouterr().out


def score(out):
    (scores,) = Store(out).scores()[0]
    return scores.test["complete"].scores["f1_macro"]


@pytest.mark.parametrize("how", ["noise", "swapped"])
def test_a_grid_on_pictures_that_were_replaced_is_to_do_again_and_scores_what_is_there(colours, tmp_path, capsys, how):
    root = tmp_path / "colours"
    one = [*colours, "--out", str(tmp_path / "one")]
    command(one, capsys)
    assert score(tmp_path / "one") == 1
    assert ": 1 done\n" in command([*one, "--plan"], capsys)
    rng = np.random.default_rng(0)
    for i in range(0, 60, 4):
        if how == "swapped":
            exchanged(root / f"{i}.bmp", root / f"{i + 1}.bmp", None)
        else:
            for k in range(i, i + 4):
                Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(root / f"{k}.bmp")
                os.utime(root / f"{k}.bmp", ns=(TIME, TIME))
    assert ": 1 to do\n" in command([*one, "--plan"], capsys)
    command([*colours, "--out", str(tmp_path / "two")], capsys)
    assert score(tmp_path / "two") < 0.8


def test_a_covariate_that_was_corrected_is_said_and_nothing_is_to_do_again(tmp_path, capsys, monkeypatch):
    """Covariates reach no model, so the cell stays done; its scores by group are those of the old values."""
    root, out = tmp_path / "data", tmp_path / "out"
    root.mkdir()
    rows = [
        {"id": f"s{i}", "ill": i % 2, "note": WORDS[i % 4], "age": 30 + i, "sex": "mf"[i // 2 % 2]} for i in range(60)
    ]
    frame = pd.DataFrame(rows)
    frame.to_csv(root / "table.csv", index=False)
    (tmp_path / "mine.py").write_text(
        "from mora_bench.api import own_table\nMINE = own_table('mine', 'table.csv', id='id', labels=['ill'], "
        "text='note', covariates=['age', 'sex'])\n"
    )
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    where = ["--plugin", str(tmp_path / "mine.py"), "--data-root", str(root)]
    more = ["--datasets", "mine", "--floors", "none", "--missing", "complete", "--engine", "inline", "--out", str(out)]
    grid = ["grid", *where, *more, "--methods", "prior", "tfidf", "--seeds", "0"]
    changed = (
        "covariates (age, sex) changed after some cells were computed: their scores by group are of the old values"
    )

    def said(arguments, code):
        assert cli.main(arguments) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    assert changed not in said(grid, 0) + said([*grid, "--plan"], 0) + said(["verify", str(out), *where], 0)
    frame.assign(age=frame["age"].to_numpy()[::-1]).to_csv(root / "table.csv", index=False)
    printed = said(grid, 0)
    assert "2 done" in printed
    assert f"WARNING: mine: {changed}, all other scores stand; a new --out computes them anew" in printed
    assert changed in said(["verify", str(out), *where], 1)
    # A record from before it was written says nothing of it.
    assert regrouped(datasets.load("mine", root, None), ["", ""]) == ""


def test_rehash_reads_what_was_remembered_wrongly(colours, tmp_path, capsys):
    arguments = [*colours, "--out", str(tmp_path / "out")]
    command(arguments, capsys)
    store = tmp_path / "cache" / "hashes.json"
    known = read_sealed(store)
    # As if a disk had changed a picture, and left size, times and inode as they were, since it was read.
    name = str(tmp_path / "colours" / "7.bmp")
    known[name][-1] = "0" * 64
    write_sealed(store, known)
    assert ": 1 to do\n" in command([*arguments, "--plan"], capsys)
    assert ": 1 done\n" in command([*arguments, "--plan", "--rehash"], capsys)
    assert ": 1 done\n" in command([*arguments, "--plan"], capsys)
