"""A bag of eight slices of a compressed volume of 512 x 512 x 200: the volume is decoded once, not once a slice."""

import time

import numpy as np
import pytest
from ratios import wanted

from mora_bench.data.modalities.bag import chosen
from mora_bench.data.readers.nifti import nifti_slices
from mora_bench.data.readers.window import Window, grey

nibabel = pytest.importorskip("nibabel")
LUNG = Window(-600, 1500)
FASTER = 8


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """Stored from right to left, as dcm2niix writes axial slices."""
    rng = np.random.default_rng(0)
    x, y, _ = np.ogrid[:512, :512, :200]
    body = (x - 256) ** 2 / 200**2 + (y - 256) ** 2 / 150**2 < 1
    noise = rng.normal(0, 20, (512, 512, 200)).astype(np.int16)
    path = tmp_path_factory.mktemp("volume") / "ct.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.where(body, noise + 40, noise // 8 - 1000), np.diag([-0.8, 0.8, 2.5, 1])), path)
    return path


def whole_each_time(path):
    """The same slices, each from a volume that is decoded and turned for it."""
    for index in np.linspace(0, 199, 8).round().astype(int):
        upright = nibabel.as_closest_canonical(nibabel.load(path))
        yield grey(np.asarray(upright.dataobj[..., index])[::-1, ::-1].T, LUNG)


def test_eight_slices_of_a_compressed_volume(volume, benchmark):
    pictures = benchmark.pedantic(lambda: [p.read() for p in chosen(list(nifti_slices(volume, window=LUNG)))], rounds=1)
    begun = time.perf_counter()
    expected = list(whole_each_time(volume))
    slow, fast = time.perf_counter() - begun, benchmark.stats.stats.max
    assert all((one == other).all() for one, other in zip(pictures, expected, strict=True))
    wanted(benchmark, times_as_fast_as_decoding_it_for_each=(slow / fast, f">= {FASTER}"))
