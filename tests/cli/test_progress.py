"""A bar on a terminal, lines elsewhere."""

import time

from conftest import make_cell

from mora_bench.cli import progress
from mora_bench.cli.progress import Progress
from mora_bench.records.store import Store


def test_a_line_says_how_far_the_grid_and_its_cells_are(place, folder, monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE", 0.05)
    cells = [make_cell(place, folder, method="head", seed=seed) for seed in range(3)]
    waiting = dict.fromkeys(cells)
    file = Store(place.out).log_file(cells[1])
    file.parent.mkdir(parents=True)
    file.write_text("10:00:00 step 5 of 9, loss 0.4, 7 s of training left\n")
    with Progress(waiting, 2, place) as shown:
        waiting.pop(cells[0])
        shown.update()
        shown.say("failed: one")
        until = time.monotonic() + 5
        lines = ""
        while "3 of 5 cells" not in lines and time.monotonic() < until:
            time.sleep(0.02)
            captured = capsys.readouterr()
            lines += captured.err + captured.out
    assert "failed: one" in lines
    last = [line for line in lines.splitlines() if "3 of 5 cells" in line][-1]
    assert ", about 0 seconds left; " in last
    assert last.endswith(f"{cells[1].label}: step 5 of 9, loss 0.4, 7 s of training left")
    assert "\r" not in lines
