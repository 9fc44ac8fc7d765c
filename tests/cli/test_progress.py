"""A bar on a terminal, lines elsewhere."""

import dataclasses
import time

from by_hand import cell
from conftest import make_cell

from mora_bench.cli import progress
from mora_bench.cli.progress import Progress
from mora_bench.records.store import Store


def test_a_line_says_how_far_the_grid_and_its_cells_are(runtime, folder, monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE", 0.05)
    cells = [make_cell(runtime, folder, method="head", seed=seed) for seed in range(3)]
    waiting = dict.fromkeys(cells)
    file = Store(runtime.out).log_file(cells[1])
    file.parent.mkdir(parents=True)
    file.write_text("10:00:00 step 5 of 9, loss 0.4, 7 s of training left\n")
    with Progress(waiting, 2, runtime) as shown:
        waiting.pop(cells[0])
        shown.update(cells[0], 240.0)
        shown.say("failed: one")
        until = time.monotonic() + 5
        lines = ""
        while "3 of 5 cells" not in lines and time.monotonic() < until:
            time.sleep(0.02)
            captured = capsys.readouterr()
            lines += captured.err + captured.out
    assert "failed: one" in lines
    last = [line for line in lines.splitlines() if "3 of 5 cells" in line][-1]
    # Two cells of four minutes, one at a time.
    assert ", about 8 minutes left; " in last
    assert last.endswith(f"{cells[1].label}: step 5 of 9, loss 0.4, 7 s of training left")
    assert "\r" not in lines


def test_the_time_left_is_a_range_until_every_kind_of_cell_has_ended(runtime, folder):
    runtime = dataclasses.replace(runtime, workers=1)
    head, lora, mora, other = (make_cell(runtime, folder, method=name) for name in ("head", "lora", "mora", "full"))
    shown = Progress(dict.fromkeys([other, mora]), 0, runtime)
    assert shown.left() is None
    shown.update(head, 30.0)
    shown.update(lora, 100.0)
    assert shown.left() == (60.0, 200.0)
    assert "about 1 to 3 minutes left" in shown.line()
    shown.update(mora, 50.0)
    shown.waiting = {mora: None}
    assert shown.left() == (50.0, 50.0)
    assert "about 50 seconds left" in shown.line()


def test_competitors_without_a_network_say_nothing_of_networks(runtime, folder):
    head, floor = make_cell(runtime, folder, method="head"), cell("prior", recipe=None)
    shown = Progress({head: None}, 0, runtime)
    shown.update(floor, 0.1)
    assert shown.left() is None
    assert "left" not in shown.line()
