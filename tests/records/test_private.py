"""Nothing of a patient goes into a results folder: every file of one is searched for ids, texts and names of files."""

import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
from conftest import once
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.errors import UserError
from mora_bench.records import private
from mora_bench.records.private import Hidden

#: A clinic's data as a plug-in: real, with names, notes and pictures that nothing else is called like.
CLINIC = '''
import numpy as np
from pathlib import Path
from PIL import Image
from mora_bench.api import Column, Dataset, Imputer, PictureFile, Predictor, Table

N = 60


def read(root):
    rng = np.random.default_rng(0)
    sick = np.arange(N) % 2
    files = [root / f"Zwiebelfilm{i:03}.png" for i in range(N)]
    words = ("clear", "opaque")
    return Table(
        name="clinic",
        source="real",
        labels=("sick", "tall"),
        ids=tuple(f"Visite-{i:03}x" for i in range(N)),
        patients=tuple(f"Quendolin {i // 2:03}" for i in range(N)),
        modalities={
            "text": Column("text", tuple(f"patient of Doctor Brummbaer, {words[s]} lungs" for s in sick)),
            "image": Column("image", tuple((PictureFile(file),) for file in files)),
        },
        targets=np.stack([sick, rng.integers(0, 2, N)], 1).astype(np.uint8),
    )


CLINIC = Dataset("a clinic", find=lambda root: root / "here", read=read)


class Blabs(Predictor):
    """Fails with everything that it knows of a sample."""

    title, source = "blabs", "this test"

    def fit(self, train, validation, seed):
        table = read(Path(ROOT))
        raise ValueError(
            f"sample {table.ids[0]!r} of {table.patients[0]}: {table.modalities['text'].values[0]} in "
            f"{table.modalities['image'].values[0][0].path}, file Zwiebelfilm001.png, shape (60, 2)"
        )

    def predict(self, samples):
        return None
'''
SECRETS = ("Visite-0", "Quendolin 0", "Zwiebelfilm", "Brummbaer", "opaque")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory, cache) -> tuple[Path, Path]:
    """A data root, and the results of a grid on it."""
    import numpy as np
    from PIL import Image

    root = tmp_path_factory.mktemp("clinic")
    for i in range(60):
        Image.fromarray(np.full((40, 40, 3), 4 * i, np.uint8)).save(root / f"Zwiebelfilm{i:03}.png")
    (root / "here").touch()
    plugin = root / "own.py"
    plugin.write_text(f"ROOT = {str(root)!r}\n{CLINIC}")
    return root, plugin


def grid(clinic, out: Path, *more: str) -> int:
    root, plugin = clinic
    words = [
        "grid", "--plugin", str(plugin), "--datasets", "clinic", "--data-root", str(root), "--out", str(out),
        "--methods", "mora", "blabs", "--floors", "none", "--impute", "knn1", "--seeds", "0", "--folds", "3",
        "--recipe.epochs", "2", "--save-adapters", "--engine", "inline", *more,
    ]  # fmt: skip
    return cli.main(once(words))


@pytest.fixture(scope="module")
def results(clinic, tmp_path_factory, cache, folder) -> Path:
    out = tmp_path_factory.mktemp("out") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MORA_BENCH_CACHE", str(cache))
        # This fixture outlives the test that asks for it first.
        patch.setattr(registry, "_plugins", {group: dict(own) for group, own in registry._plugins.items()})
        patch.setattr(registry, "_files", list(registry._files))
        assert grid(clinic, out, "--backbone", str(folder), "--recipe.max-text", "64") == 1
    return out


def leaks(folder: Path) -> list[tuple[str, str]]:
    """Every secret that a folder's files or their names hold, in any encoding that our files have."""
    found = []
    for file in sorted(folder.rglob("*")):
        content = file.read_bytes() if file.is_file() else b""
        for secret in SECRETS:
            if secret in file.name or any(secret.encode(e) in content for e in ("utf-8", "utf-16-le")):
                found.append((str(file.relative_to(folder)), secret))
    return found


def test_no_file_of_a_results_folder_holds_what_is_of_a_patient(results):
    files = {file.relative_to(results).parts[0] for file in results.rglob("*") if file.is_file()}
    assert files >= {"records", "scores", "predictions", "splits", "tables", "adapters", "logs", "report.html", "salt"}
    assert leaks(results) == []


def test_what_is_published_holds_nothing_of_a_patient_either(results, tmp_path, folder, capsys):
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "pub"), "--license", "cc-by-4.0"]) == 0
    out = capsys.readouterr().out
    assert "1 cells, 1 with what they trained" in out
    assert "left out: 1 cells that failed" in out
    pub = tmp_path / "pub"
    assert {own.name for own in pub.iterdir()} == {
        "README.md", "provenance.json", "records", "scores", "splits", "adapters", "tables", "report.html",
    }  # fmt: skip
    assert leaks(pub) == []
    # Nor does it say where on this machine the backbone was.
    assert not [file for file in pub.rglob("*") if file.is_file() and str(folder).encode() in file.read_bytes()]
    card = ModelCard.load(pub / "README.md")
    assert card.data.license == "cc-by-4.0"
    (scores,) = (json.loads(file.read_text()) for file in (pub / "scores").iterdir())
    told = {own.metric_name: own.metric_value for own in card.data.eval_results}
    assert told["f1_macro, test, missing: both at 70%"] == scores["test"]["both"]["scores"]["f1_macro"]
    assert "clinic (real), fingerprint" in card.text
    assert cli.main(["verify", str(pub)]) == 0


def test_the_error_of_a_cell_is_of_use_still(results, clinic, capsys):
    records = [json.loads(file.read_text()) for file in (results / "records").iterdir()]
    (failed,) = [record for record in records if record["status"] == "failed"]
    hidden = Hidden(results)
    sample, patient = hidden.name("Visite-000x"), hidden.name("Quendolin 000")
    film, other = hidden.name("Zwiebelfilm000.png"), hidden.name("Zwiebelfilm001.png")
    assert failed["error"] == (
        f"ValueError: sample '{sample}' of {patient}: (a text) in DATA/{film}.png, file {other}, shape (60, 2)"
    )
    assert failed["trace"][0].startswith("Traceback")
    root, plugin = clinic
    words = ["doctor", "--plugin", str(plugin), "--datasets", "clinic", "--data-root", str(root)]
    assert cli.main([*words, "--results", str(results), "--who", sample, film]) == 0
    out = capsys.readouterr().out
    assert f"{sample}: sample Visite-000x" in out
    assert f"{film}: file Zwiebelfilm000.png" in out


def test_splits_hold_what_the_salt_makes_of_ids(results):
    (file,) = (results / "splits").iterdir()
    found = json.loads(file.read_text())
    salt = bytes.fromhex((results / "salt").read_text())
    ids = [f"Visite-{i:03}x" for i in range(60)]
    expected = {hmac.new(salt, id.encode(), hashlib.sha256).hexdigest()[:16] for id in ids}
    assert {*found["train"], *found["val"], *found["test"]} == expected
    assert (results / "salt").stat().st_mode & 0o077 == 0


def test_two_folders_have_two_salts_and_one_folder_has_one(tmp_path):
    first, second = private.salt(tmp_path / "a"), private.salt(tmp_path / "b")
    assert first == private.salt(tmp_path / "a") != second
    assert len(first) == 32
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["salt"]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert private.salt(tmp_path) == private.salt(tmp_path)


def test_a_salt_that_is_none_is_said(tmp_path):
    (tmp_path / "salt").write_text("pepper")
    with pytest.raises(UserError, match="not a salt"):
        private.salt(tmp_path)


def test_numbers_of_a_message_stay_where_they_are_no_names(tmp_path):
    hidden = Hidden(tmp_path, {"12", "768", "p12"})
    assert hidden.message("shapes (12x768) and (768, 12), line 12") == "shapes (12x768) and (768, 12), line 12"
    assert hidden.message("sample 12: no text") == f"sample {hidden.name('12')}: no text"
    assert hidden.message("p12. p12.png /x/p12") == " ".join(
        [f"{hidden.name('p12')}.", f"{hidden.name('p12')}.png", f"/x/{hidden.name('p12')}"]
    )


@given(
    name=st.text("abcXYZ019-_ .", min_size=4, max_size=12).filter(lambda n: n == n.strip(" .") and not n.isdecimal())
)
def test_any_name_is_hidden_in_any_place(name, tmp_path_factory):
    hidden = Hidden(tmp_path_factory.mktemp("x"), {name})
    for message in (f"no text of {name}", f"{name}: odd", f"'{name}' ({name}), {name}.png"):
        assert name not in hidden.message(message).replace(hidden.name(name), "")
