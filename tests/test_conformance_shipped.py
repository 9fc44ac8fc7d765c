"""benchmarks/conformance.py on volumes and pictures that installed packages ship: none is shown wrong."""

from collections import Counter
from importlib.metadata import version

import pytest
from conformance import REFUSED, SHOWN, WRONG, judged

pytest.importorskip("nibabel")


def test_of_the_volumes_that_nibabel_ships_none_is_wrong():
    import conformance_volumes

    source = conformance_volumes.nibabel_files()
    if source is None:
        pytest.skip("SimpleITK is absent")
    judgements = list(judged(source))
    counts = Counter(one.verdict for one in judgements)
    assert [(one.file.name, one.why) for one in judgements if one.verdict == WRONG] == []
    # Each is of a format that is not read, or no volume of space (CIFTI), and is told what to do.
    refused = [one for one in judgements if one.verdict == REFUSED]
    assert all("Convert it to NIfTI" in one.why or one.file.name == "row_major.dconn.nii" for one in refused)
    if version("nibabel") == "5.4.2":
        assert (counts[SHOWN], counts[REFUSED]) == (6, 57)


def test_of_the_pictures_that_installed_packages_ship_none_is_wrong():
    import conformance_pictures

    source = conformance_pictures.installed_files()
    if source is None:
        pytest.skip("tifffile or imagecodecs is absent")
    judgements = list(judged(source))
    assert [(one.file.name, one.why) for one in judgements if one.verdict == WRONG] == []
    assert sum(one.verdict == SHOWN for one in judgements) >= 20
