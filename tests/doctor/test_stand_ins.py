"""Pictures that show nothing, or that very many patients share, are placeholders and no copies of each other."""

import numpy as np
import pytest
from doctor.test_near_duplicates import framed, table, texture
from PIL import Image

from mora_bench.data.modalities.image import PictureFile
from mora_bench.doctor import groups
from mora_bench.doctor.looks import diagnose
from mora_bench.files import FileHashes


@pytest.fixture
def stored(tmp_path):
    """Grey levels [H, W] -> a picture in a file."""

    def store(name, pixels):
        Image.fromarray(pixels).save(tmp_path / name)
        return PictureFile(tmp_path / name)

    return store


def diagnosed(bags, tmp_path, kind="image"):
    cohort = table(bags, kind=kind)
    hashes = FileHashes(tmp_path / "hashes")
    return cohort, diagnose(cohort, cohort, hashes, tmp_path / "cache", 1, lambda text: None)


def own(stored, count, first=0):
    return [(stored(f"own{k}.png", framed(texture(k))),) for k in range(first, first + count)]


def flat(grey):
    return np.full((40, 60), grey, np.uint8)


def test_pictures_of_one_grey_level_are_placeholders_and_join_nobody(stored, tmp_path):
    noise = np.random.default_rng(0).integers(99, 101, (40, 60)).astype(np.uint8)
    empty = [stored("black.png", flat(0)), stored("black2.png", flat(0)), stored("white.jpg", flat(255))]
    empty.append(stored("noise.png", noise))
    bags = [*own(stored, 12), *((picture,) for picture in empty)]
    cohort, seen = diagnosed(bags, tmp_path)
    assert (seen.shared, seen.pairs) == ((), ())
    (finding,) = seen.findings
    files = "black.png, white.jpg, noise.png"
    assert finding.seen == f"placeholders: picture '{files}' 4 times (25.0 %; of one grey level)"
    assert "write an empty cell" in finding.costs
    assert groups.write(tmp_path / "groups.csv", cohort, seen) == 0
    # Kept thumbnails say the same.
    assert diagnosed(bags, tmp_path)[1] == seen


def test_a_picture_that_shows_little_is_none(stored, tmp_path):
    dots = [flat(0) for _ in range(3)]
    for k, pixels in enumerate(dots):
        pixels[5 + k, 5] = 40
    bags = [*own(stored, 6), *((stored(f"dot{k}.png", pixels),) for k, pixels in enumerate(dots))]
    assert diagnosed(bags, tmp_path)[1].findings == ()


@pytest.mark.parametrize(("patients", "stands_in"), [(20, True), (19, False)])
def test_a_picture_of_very_many_patients_is_a_placeholder_of_few_a_copy(stored, tmp_path, patients, stands_in):
    notice = stored("no-image.png", framed(texture(999)))
    _, seen = diagnosed([*own(stored, 5), *[(notice,)] * patients], tmp_path)
    by_look = {finding.look: finding.seen for finding in seen.findings}
    if stands_in:
        seen = "picture 'no-image.png' 20 times (80.0 %; the same picture of 20 patients)"
        assert by_look == {"placeholders": f"placeholders: {seen}"}
    else:
        assert [*by_look] == ["equal pictures"]


def test_empty_slices_are_usual_and_a_volume_of_nothing_else_is_none(stored, tmp_path):
    """Two volumes begin with the same black slice; a third one has nothing else."""
    black = stored("black.png", flat(0))
    volumes = [(black, stored(f"slice{k}.png", framed(texture(k)))) for k in range(2)]
    _, seen = diagnosed([*volumes, *own(stored, 5, first=10)], tmp_path, kind="bag")
    assert seen.findings == ()
    _, seen = diagnosed([*volumes, *own(stored, 5, first=10), (black, black)], tmp_path, kind="bag")
    assert [finding.seen for finding in seen.findings] == [
        "placeholders: picture 'black.png' 1 time (12.5 %; of one grey level)"
    ]


def test_of_two_eyes_one_may_be_a_placeholder(stored, tmp_path):
    left, right = ([bag[0] for bag in own(stored, 8, first)] for first in (0, 20))
    bags = [*zip(left, right, strict=True), (stored("l.png", framed(texture(50))), stored("none.png", flat(128)))]
    _, seen = diagnosed(bags, tmp_path)
    assert [finding.seen for finding in seen.findings] == [
        "placeholders: picture 'none.png' 1 time (11.1 %; of one grey level)"
    ]
