"""Every method on three modalities, of which the data have two so far."""

import pytest
import torch
from conftest import ON_A_STREAM, through, tiny_backbone

from mora_bench import registry
from mora_bench.backbones.tokens import Tokens
from mora_bench.checks.subject import own_axes
from mora_bench.data.presence import pattern_presence


@pytest.mark.parametrize("name", ON_A_STREAM)
def test_methods_take_any_number_of_modalities(name):
    """All seven patterns of three modalities through every method."""
    backbone = tiny_backbone()
    backbone.modalities = ("text", "image", "laboratory")
    kind = registry.get(registry.METHODS, name)
    method = kind(backbone, own_axes(kind, backbone))
    method.attach(backbone)
    present = torch.from_numpy(pattern_presence(3))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 9, 32, generator=generator).expand(7, -1, -1)
    modality = torch.arange(9).div(3, rounding_mode="floor").to(torch.int8).expand(7, -1)
    tokens = Tokens(x, torch.ones(7, 9, dtype=torch.bool), present, modality)
    if kind.reads_labels:
        known = Tokens(torch.randn(7, 9, 32, generator=generator), tokens.mask, present, modality)
        backbone.join = lambda parts, present: (known,)
        method.fit_labelled([([], present, torch.eye(7))], torch.ones(3, dtype=torch.bool))
    for parameter in method.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        out = through(backbone, method.eval(), tokens).x[:, 0]
    assert torch.isfinite(out).all()
    aware = (kind.family == "missing-aware" and name != "scp") or name in ("mora", "mora-swapped", "mora-separate")
    patterns = 7 if aware else 3 if name == "mora-shared" else 1
    assert len({tuple(row.tolist()) for row in (out * 1e4).round()}) == patterns
