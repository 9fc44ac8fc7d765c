"""report.html: whole in itself, escaped, and what it does in a browser where one is installed."""

import json
import re
import shutil
import subprocess

import msgspec
import pytest
from by_hand import failed, predictor, record

from mora_bench.records.store import Store
from mora_bench.report.page import Page
from mora_bench.report.write import read, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def folder(tmp_path):
    pairs = [record("mora", s, 0.5 + s / 100) for s in range(3)] + [record("full", s, 0.3 + s / 99) for s in range(3)]
    pairs += [predictor("prior", s, 0.4) for s in range(3)]
    pairs += [record("lora", s, 0.2, family=EVIL, dataset="cxr") for s in range(3)] + [failed("map", 0)]
    for entry, scores in pairs:
        Store(tmp_path).write(entry.cell, entry, {} if scores else None, with_errors(scores))
    return tmp_path


def with_errors(scores):
    """Two labels of which 3 of 4 and 2 of 5 are found among complete samples, one less of the first elsewhere."""
    if scores is None:
        return None
    confusion = {"0.5": [[5, 1, 2, 2], [4, 1, 3, 2]]}
    test = {p: msgspec.structs.replace(setting, confusion=confusion) for p, setting in scores.test.items()}
    complete = {"0.5": [[5, 1, 1, 3], [4, 1, 3, 2]]}
    test["complete"] = msgspec.structs.replace(scores.test["complete"], confusion=complete)
    return msgspec.structs.replace(scores, test=test)


def page(folder):
    return Page().make(read(folder))["report.html"].decode()


def test_it_lies_beside_the_tables_and_is_whole_in_itself(folder):
    written = write(folder)
    assert "report.html" in written.files
    text = (folder / "report.html").read_text()
    assert not re.findall(r"<[a-z]+[^>]*\s(?:src|href)\s*=", text)
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert "default-src 'none'" in text


def test_what_came_from_a_record_is_text(folder):
    text = page(folder)
    assert EVIL not in text
    assert "<img" not in text
    assert text.count("</script>") == 2


def test_the_numbers_are_those_of_the_tables(folder):
    text = page(folder)
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])
    (section,) = [section for section in data["sections"] if section["dataset"] == "odir"]
    rows = {row["label"]: row for row in section["rows"]}
    mora = rows["mora (r=4, blocks 0)"]
    assert mora["mean"]["score both"] == pytest.approx(0.51)
    assert mora["std"]["score both"] == pytest.approx(0.01)
    assert mora["best"] == sorted(section["tests"])
    assert rows["full"]["below"] == sorted(section["tests"])
    assert not rows["prior"]["network"]
    assert rows["map"]["note"].startswith("no result for seed 0")
    assert {cell["status"] for cell in data["cells"]} == {"done", "failed"}


def test_an_empty_folder_has_no_page():
    from mora_bench.report.contract import Results

    assert Page().make(Results([], [], None, [])) == {}


DRIVE = """
<script>
window.said = [];
window.addEventListener("error", (event) => window.said.push(event.message));
</script>
"""
CLICKS = """
<script>
const names = "#tables tbody tr:not(.below) td:nth-child(2)";
const listed = () => [...document.querySelectorAll(names)].map((cell) => cell.textContent);
const result = { ranked: listed() };
const heading = [...document.querySelectorAll("#tables th button")].find((b) => b.textContent === "method");
heading.click();
result.byName = listed();
document.getElementById("dataset").value = "cxr";
document.getElementById("dataset").dispatchEvent(new Event("input"));
result.cxr = listed();
document.getElementById("dataset").value = "";
document.getElementById("search").value = "MOR";
document.getElementById("search").dispatchEvent(new Event("input"));
result.search = listed();
document.getElementById("search").value = "";
document.getElementById("search").dispatchEvent(new Event("input"));
document.querySelector("#cell-list details").open = true;
result.wide = document.documentElement.scrollWidth <= window.innerWidth;
result.cut = [...document.querySelectorAll("svg text")].filter((text) => {
  const { x, width } = text.getBBox();
  return x < 0 || x + width > text.ownerSVGElement.viewBox.baseVal.width;
}).map((text) => text.textContent);
result.colours = [...document.querySelectorAll(".legend line")].map((line) => line.getAttribute("stroke"));
const tested = document.getElementById("errs-on");
result.operating = document.querySelector("#errors tbody tr").textContent;
tested.value = "complete";
tested.dispatchEvent(new Event("input"));
result.complete = document.querySelector("#errors tbody tr").textContent;
result.errors = window.said;
setTimeout(() => {
  result.cell = document.querySelector("#cell-list details dl").textContent.length;
  document.body.replaceChildren(JSON.stringify(result));
}, 300);
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 500])
def test_in_a_browser_it_sorts_filters_and_says_no_error(folder, tmp_path, width):
    """Chromium's headless window is at least 500 pixels wide."""
    text = page(folder).replace("<body>", f"<body>{DRIVE}").replace("</body>", f"{CLICKS}</body>")
    (tmp_path / "driven.html").write_text(text)
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    command += ["--virtual-time-budget=3000", "--dump-dom", f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"file://{tmp_path}/driven.html"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    shown = json.loads(re.search(r"<body>(\{.*\})</body>", out, re.S)[1])
    assert shown["errors"] == []
    # The sections in their order, in each the best first.
    assert shown["ranked"] == ["lora", "mora (r=4, blocks 0)", "prior", "full", "map *"]
    assert shown["byName"] == ["lora", "full", "map *", "mora (r=4, blocks 0)", "prior"]
    assert shown["cxr"] == ["lora"]
    assert shown["search"] == ["mora (r=4, blocks 0)"]
    assert shown["wide"]
    assert shown["cut"] == []
    assert len(set(shown["colours"])) == 5
    # Of three seeds: with it, found, missed, without, false, recall, specificity, precision.
    assert shown["operating"] == "0" + "".join(["12", "6", "6", "18", "3", "50.0", "83.3", "66.7"])
    assert shown["complete"] == "0" + "".join(["12", "9", "3", "18", "3", "75.0", "83.3", "75.0"])
    assert shown["cell"] > 20
