"""Nothing of a patient goes into a results folder: every file of one is searched for ids, texts and names of files."""

import dataclasses
import hashlib
import hmac
import json
import os
from pathlib import Path

import by_hand
import numpy as np
import pytest
from conftest import make_cell, once
from huggingface_hub import ModelCard
from safetensors.numpy import save

from mora_bench import registry, seeds
from mora_bench.cli import main as cli
from mora_bench.data.groups import groups
from mora_bench.data.sides import Side
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins
from mora_bench.errors import PlainError, UserError
from mora_bench.records import private
from mora_bench.records.private import Pseudonyms
from mora_bench.records.store import Store
from mora_bench.training import failure, predictors, recorded
from mora_bench.training.rescore import score

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
            f"sample {table.ids[0]!r} of {table.patients[0]}:\\n{table.modalities['text'].values[0][:20]}\\n in "
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
        patch.setattr(registry, "_plugins", {group: dict(entries) for group, entries in registry._plugins.items()})
        patch.setattr(registry, "_files", list(registry._files))
        assert grid(clinic, out, "--backbone", str(folder), "--recipe.max-text", "64") == 1
    return out


def leaks(folder: Path) -> list[tuple[str, str]]:
    """Every secret that a folder's files or their names hold, in any encoding that our files have."""
    secrets = []
    for file in sorted(folder.rglob("*")):
        content = file.read_bytes() if file.is_file() else b""
        for secret in SECRETS:
            if secret in file.name or any(secret.encode(e) in content for e in ("utf-8", "utf-16-le")):
                secrets.append((str(file.relative_to(folder)), secret))
    return secrets


def test_no_file_of_a_results_folder_holds_what_is_of_a_patient(results):
    files = {file.relative_to(results).parts[0] for file in results.rglob("*") if file.is_file()}
    assert files >= {"records", "scores", "predictions", "splits", "tables", "adapters", "logs", "report.html", "salt"}
    assert leaks(results) == []


def test_what_is_published_holds_nothing_of_a_patient_either(results, tmp_path, folder, capsys):
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "pub"), "--license", "cc-by-4.0"]) == 0
    out = capsys.readouterr().out
    assert "1 cell, 1 with what they trained" in out
    assert "left out: 1 cell that failed" in out
    pub = tmp_path / "pub"
    assert {path.name for path in pub.iterdir()} == {
        "README.md", "provenance.json", "records", "scores", "splits", "adapters", "tables", "report.html",
    }  # fmt: skip
    assert leaks(pub) == []
    # Nor does it say where on this machine the backbone was.
    assert not [file for file in pub.rglob("*") if file.is_file() and str(folder).encode() in file.read_bytes()]
    card = ModelCard.load(pub / "README.md")
    assert card.data.license == "cc-by-4.0"
    (scores,) = (json.loads(file.read_text()) for file in (pub / "scores").iterdir())
    metrics = {entry.metric_name: entry.metric_value for entry in card.data.eval_results}
    assert (
        metrics["F1-macro (higher is better), test, missing: both at 70%"]
        == scores["test"]["both"]["scores"]["f1_macro"]
    )
    assert "clinic (real), fingerprint" in card.text
    assert cli.main(["verify", str(pub), "--files"]) == 3


def test_what_an_error_says_is_kept_where_only_its_owner_reads_it(results, capsys, cache):
    records = [json.loads(file.read_text()) for file in (results / "records").iterdir()]
    (failed,) = [record for record in records if record["status"] == "failed"]
    log = cache / "errors" / f"{failed['key']}.log"
    assert failed["error"] == (
        f"ValueError: what it says may be a patient's, and is kept in errors/{failed['key']}.log of the cache"
    )
    # The places in the code, the file of the plug-in among them, and the kind of the error.
    assert any(line.startswith('  File "') and "own.py" in line for line in failed["trace"])
    assert failed["trace"][-1] == "ValueError"
    assert "sample 'Visite-000x' of Quendolin 000:" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_whoever_has_the_data_can_look_a_hash_up(clinic, results, capsys):
    root, plugin = clinic
    sample = Pseudonyms(results).name("Visite-000x")
    look = ["doctor", "--plugin", str(plugin), "--datasets", "clinic", "--data-root", str(root)]
    assert cli.main([*look, "--results", str(results), "--who", sample]) == 0
    assert f"{sample}: sample Visite-000x" in capsys.readouterr().out
    assert cli.main([*look, "--results", str(results), "--who", "0123456789abcdef"]) == 1
    assert "0123456789abcdef: nobody in these data" in capsys.readouterr().out
    assert cli.main([*look, "--results", str(root), "--who", sample]) == 2
    assert "no salt in it" in capsys.readouterr().err
    assert not (root / "salt").exists()


def test_splits_hold_what_the_salt_makes_of_ids(results):
    (file,) = (results / "splits").iterdir()
    split = json.loads(file.read_text())
    salt = bytes.fromhex((results / "salt").read_text())
    ids = [f"Visite-{i:03}x" for i in range(60)]
    expected = {hmac.new(salt, id.encode(), hashlib.sha256).hexdigest()[:16] for id in ids}
    assert {*split["train"], *split["val"], *split["test"]} == expected
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


def cell(runtime, folder, **changes):
    return dataclasses.replace(make_cell(runtime, folder), source="real", **changes)


def test_our_own_words_stand_in_a_record_about_patients(runtime, folder):
    """A loss that explodes, a root that is gone: nothing of that is anybody's."""
    of = cell(runtime, folder)
    for error, message in [
        (PlainError("--data-root /x: no such folder."), "PlainError: --data-root /x: no such folder."),
        (RuntimeError("Slurm job 7 ended"), "RuntimeError: Slurm job 7 ended"),
    ]:
        assert failure.described(error, of, runtime)[0] == message
    with pytest.raises(ValueError, match="gave") as error:
        predictors.checked(Named(), Asked())
    assert failure.described(error.value, of, runtime)[0] == "ValueError: Named.predict gave [2, 3]; expected [4, 3]"


class Named:
    """A predictor of too few."""

    def draws(self, samples):
        return None

    def predict(self, samples):
        return np.zeros((2, 3))


class Asked:
    """Four samples of three labels."""

    labels = ("a", "b", "c")

    def __len__(self):
        return 4


def test_what_others_say_does_not(runtime, folder):
    of = cell(runtime, folder)
    for cause in ("KeyError", "ValueError"):
        try:
            try:
                {}["4001"]
            except KeyError as error:
                if cause == "KeyError":
                    raise
                raise ValueError("no 4001\nMeier, Hans\n") from error
        except (KeyError, ValueError) as error:
            message, trace = failure.described(error, of, runtime)
        assert "4001" not in message + "".join(line for line in trace if not line.startswith(" "))
        assert "Meier" not in message + "".join(line for line in trace if not line.startswith(" "))
        assert message.startswith(f"{cause}: what it says may be a patient's")
        assert [line for line in trace if not line.startswith(" ")] == (["KeyError"] * (cause != "KeyError") + [cause])
        assert failure.full_message(message, of, runtime).startswith(f"{cause}: ")
        assert "4001" in failure.full_message(message, of, runtime)


def test_of_a_twin_everything_is_kept(runtime, folder):
    try:
        {}["4001"]
    except KeyError as error:
        message, trace = failure.described(error, make_cell(runtime, folder), runtime)
    assert (message, trace[-1]) == ("KeyError: '4001'", "KeyError: '4001'")


def test_no_group_is_called_by_a_patients_name():
    n = 8
    table = Table(
        "clinic", "real", ("a",), tuple(f"s{i}" for i in range(n)), tuple(f"Mueller, Hans {i}" for i in range(n)),
        {"text": Column("text", ("x",) * n)}, np.arange(n)[:, None].astype(np.uint8) % 2,
        {"who": tuple(f"Mueller, Hans {i}" for i in range(n)), "sex": ("f", "m") * (n // 2)},
    )  # fmt: skip
    assert set(groups(table, Side(table, np.arange(n)))) == {"sex=f", "sex=m"}
    who = dataclasses.replace(
        table, covariates={"sibling": tuple(f"Mueller, Hans {i % 2}" for i in range(n)), "sex": ("f", "m") * 4}
    )
    assert set(groups(who, Side(who, np.arange(n)))) == {"sex=f", "sex=m"}


def test_ages_that_are_somebodys_number_are_ages():
    """faults.md, A7: real ODIR lost its age groups because somebody is 57 and somebody's number is 57."""
    n = 40
    numbers = tuple(str(i + 30) for i in range(n))
    ages = tuple(str(30 + (7 * i) % n) for i in range(n))
    table = Table(
        "clinic", "real", ("a",), tuple(f"s{i}" for i in range(n)), numbers,
        {"text": Column("text", ("x",) * n)}, np.arange(n)[:, None].astype(np.uint8) % 2,
        {"age": ages, "number": numbers, "again": ("", *numbers[1:]), "grade": ("30", "31") * (n // 2)},
    )  # fmt: skip
    assert set(ages) == set(numbers)
    names = set(groups(table, Side(table, np.arange(n))))
    assert names == {"age<49.5", "age>=49.5", "grade=30", "grade=31"}


def test_predictions_of_patients_hold_no_number_from_their_ids(runtime):
    """Whoever knows a hospital's numbers could try them. So scoring again needs the table, and says so."""
    predictions = {}
    for source in ("twin", "real"):
        table = dataclasses.replace(twins.odir(range(12)), source=source)
        side = Side(table, np.arange(12))
        logits = dict.fromkeys(("val", "test"), np.ones((12, 3, len(table.labels)), np.float32))
        predictions[source] = recorded.predictions({"train": side, "val": side, "test": side}, logits)
    assert predictions["twin"].keys() - predictions["real"].keys() == {"val_tokens", "test_tokens"}
    assert (predictions["twin"]["test_tokens"] == seeds.tokens(table.ids)).all()
    record, _ = by_hand.record(source="real")
    of = record.cell
    store = Store(runtime.out)
    store.check_writable()
    store.prediction_file(of).write_bytes(save(predictions["real"]))
    with pytest.raises(UserError, match="its scores need the real odir; say where it is with --data-root"):
        score(store, of, record, runtime)
