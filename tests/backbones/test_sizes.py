"""NAME@SIDE: pictures of another size, where positions allow."""

import numpy as np
import pytest
from conftest import make_cell

from mora_bench.backbones import load as backbones
from mora_bench.errors import UserError
from mora_bench.plan.recipes import pictures_sentence
from mora_bench.records.store import Store
from mora_bench.report import frame
from mora_bench.report.compare import compare
from mora_bench.training.decoded import samples
from mora_bench.training.work import work


def test_a_larger_side_is_another_backbone_with_larger_pictures(folder):
    plain, large = (backbones.resolve(name, 64) for name in (str(folder), f"{folder}@192"))
    assert (large.rules["image"].shorter, large.name) == (192, f"{folder}@192")
    assert large.rules["bag"] == large.rules["image"]
    assert large.fingerprint != plain.fingerprint
    # The longer side is as many times the shorter as before, in whole patches.
    ratio = plain.rules["image"].longer / plain.rules["image"].shorter
    assert 0 <= ratio * 192 - large.rules["image"].longer < large.rules["image"].multiple
    assert backbones.resolve(f"{folder}@192", 64).fingerprint == large.fingerprint


def test_a_folder_whose_name_ends_so_is_that_folder(folder, tmp_path):
    (tmp_path / "net@192").symlink_to(folder)
    spec = backbones.resolve(str(tmp_path / "net@192"), 64)
    assert spec.rules["image"].shorter == backbones.resolve(str(folder), 64).rules["image"].shorter


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small@100", "expected a multiple of 16"),
        ("small@0", "expected a multiple of 16"),
        ("small@4096", "up to 2048"),
        ("small-dual@128", "its positions belong to the size that it was trained on"),
        ("nosuch@128", "unknown backbone 'nosuch'"),
    ],
)
def test_a_size_that_it_cannot_read_is_refused_when_planning(name, message):
    with pytest.raises(UserError, match=message):
        backbones.resolve(name, 64)


def test_a_cell_trains_on_larger_pictures_and_its_table_says_so(runtime, folder):
    sizes = {}
    cells = [make_cell(runtime, folder, method="head", backbone=f"{folder}{at}") for at in ("", "@128")]
    for cell in cells:
        content = samples("odir", cell.backbone, 64, runtime).contents[1]
        sizes[cell] = content.collate(np.arange(2), np.ones(2, bool)).pixels.shape[-2:]
        work([cell], runtime)
    assert sizes[cells[1]][0] > sizes[cells[0]][0]
    store = Store(runtime.out)
    for table in compare(frame.cells(store.records()[0], store.scores()[0])):
        height, width = max(sizes.values()) if "@128" in table.caption else min(sizes.values())
        assert f"pictures as it sees them, at most (height x width): odir image {height} x {width}" in table.caption


def test_a_plan_says_how_large_pictures_are(runtime, folder):
    cells = [make_cell(runtime, folder, method="head", backbone=f"{folder}@128")]
    assert f"{folder}@128 128 pixels on the shorter side" in pictures_sentence(cells, {"odir": ("text", "image")})
    assert pictures_sentence(cells, {"odir": ("text", "table")}) == ""
