"""`new` writes files that keep every rule of their contract, and touches nothing that is there."""

import pytest

from mora_bench.cli.main import main

pytestmark = pytest.mark.usefixtures("as_a_new_user")


@pytest.mark.parametrize("kind", ["method", "predictor", "imputer", "dataset", "mechanism", "task", "backbone"])
def test_a_template_keeps_every_rule_under_the_name_of_its_file(kind, tmp_path, capsys):
    assert main(["new", kind, "my_own.py"]) == 0
    text = (tmp_path / "my_own.py").read_text()
    assert "python -m mora_bench check my-own --plugin my_own.py" in text
    assert not any(word in text for word in ("CLASS", "NAME", "FILE ", "VARIABLE"))
    compile(text, "my_own.py", "exec")
    assert main(["check", "my-own", "--plugin", "my_own.py"]) == 0, capsys.readouterr().out
    assert "my-own: every rule is kept." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [("there.py", "is there already"), ("mora.py", "name of something that exists"), ("1.py", "begins with a letter"),
     ("gate.txt", "expected a name such as"), ("all.py", "name of something that exists")],
)  # fmt: skip
def test_nothing_is_overwritten_and_no_name_is_taken_twice(name, message, tmp_path, capsys):
    (tmp_path / "there.py").write_text("mine")
    assert main(["new", "method", name]) == 2
    assert message in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["there.py"]
    assert (tmp_path / "there.py").read_text() == "mine"
