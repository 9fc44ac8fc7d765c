"""The user's script of the benchmarks computes what our network does; otherwise it would be timed at other work."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from mora_bench import registry
from mora_bench.backbones import load
from mora_bench.backbones.fused import SMALL
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.methods.contract import Axes
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model

F, RANK = 32, 2
TEXTS, EMPTY = [[1, 7, 9, 2], [1, 8, 2], [1, 5, 6, 7, 8, 2], [1, 9, 9, 2]], [1, 2]
PRESENT = np.array([[True, True], [True, False], [False, True], [True, True]])


@pytest.fixture(scope="module")
def script():
    file = Path(__file__).parents[1] / "benchmarks" / "users_script.py"
    spec = importlib.util.spec_from_file_location("users_script", file)
    module = sys.modules["users_script"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["users_script"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    out = tmp_path_factory.mktemp("bert")
    torch.manual_seed(3)
    words = open_tokenizer(SHIPPED / "tokenizer.json").get_vocab_size()
    BertModel(BertConfig(**SMALL, vocab_size=words, initializer_range=0.2)).save_pretrained(out)
    (out / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    return out


def reader(pixels):
    """A frozen picture network: a grid of 4 x 4 features."""
    torch.manual_seed(0)
    weight = torch.randn(F, 3)
    return torch.einsum("fc,bchw->bfhw", weight, torch.nn.functional.adaptive_avg_pool2d(pixels, 4))


def drawn_pictures():
    """Two eyes a patient, of two sizes; the last lacks its right one."""
    rng = np.random.default_rng(0)
    sizes = [(8, 8), (8, 12), (8, 8), (8, 8)]
    pictures = [[torch.from_numpy(rng.integers(0, 256, (3, *size), np.uint8)) for _ in range(2)] for size in sizes]
    pictures[3][1] = None
    return pictures


def ours(bert, method, pictures):
    """Our network with an adapter that is not zero, and its inputs."""
    backbone = load.load(load.resolve(f"fused:{bert},untrained", 64), {"text": "text", "image": "image"}, 64, 0)
    blocks = {"mora": (0,), "lora": tuple(range(backbone.depth))}
    kind = registry.get(registry.METHODS, method)
    model = Model(backbone, kind(backbone, Axes(RANK, blocks.get(method, ()))), Dummy(backbone), 8, 1).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.trained().values():
            parameter.add_(0.1 * torch.randn_like(parameter))
    shown = [text if present else EMPTY for text, present in zip(TEXTS, PRESENT[:, 0], strict=True)]
    ids = torch.tensor([[*text, *[0] * (6 - len(text))] for text in shown])
    features, slots = torch.zeros(4, 2, 4, F), torch.full((4, 2), -1)
    for i, eyes in enumerate(pictures):
        for eye, picture in enumerate(eyes):
            if picture is not None and PRESENT[i, 1]:
                grid = torch.nn.functional.adaptive_avg_pool2d(reader((picture[None].float() - 127) / 128), (2, 2))
                features[i, eye], slots[i, eye] = grid[0].flatten(1).T, eye
    mask = torch.arange(6) < torch.tensor([[len(text)] for text in shown])
    return model, Batch((TextInputs(ids, mask), FeatureInputs(features, slots)), torch.from_numpy(PRESENT))


@pytest.mark.parametrize("method", ["head", "lora", "mora"])
def test_logits_and_gradients_are_ours(script, bert, method):
    pictures = drawn_pictures()
    model, batch = ours(bert, method, pictures)
    exported = model.method.export()
    start = {"projection": model.projection.state_dict(), "head": model.head.state_dict()}
    start |= {"adapter": exported[1] if exported else {}}
    start = {name: {key: tensor.detach().clone() for key, tensor in tensors.items()} for name, tensors in start.items()}
    patients = script.Patients(TEXTS, pictures, torch.zeros(4, 8), EMPTY)
    net = script.Net(BertModel.from_pretrained(bert, add_pooling_layer=False), reader, F, 8, method, True, RANK)
    script.with_start(net, start).eval()
    samples = script.Shown(patients, np.arange(4), PRESENT)
    inputs = script.inputs(script.collate([samples[k] for k in range(4)]))
    theirs, mine = net(**inputs), model(batch)
    torch.testing.assert_close(theirs, mine, rtol=0, atol=1e-5)
    assert theirs.std() > 0.01
    (theirs.pow(2).sum() + mine.pow(2).sum()).backward()
    torch.testing.assert_close(net.project.weight.grad, model.projection.linear.weight.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net.positions.grad, model.projection.rows["image"].grad, rtol=1e-4, atol=1e-5)
    count = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert count == sum(p.numel() for p in model.trained().values())
    np.testing.assert_allclose(script.predict(net, samples, 3), mine.detach().numpy(), rtol=0, atol=1e-5)
