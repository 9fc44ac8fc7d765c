"""Attention in half precision."""

import pytest
import torch

from mora_bench.backbones.blocks import _attend


def _gradients(dtype: torch.dtype, masked: bool) -> list[torch.Tensor]:
    torch.manual_seed(0)
    parts = [torch.randn(3, 21, 24).to(dtype).requires_grad_() for _ in range(3)]
    mask = (torch.arange(21) < torch.tensor([[21], [13], [4]]))[:, None, None, :] if masked else None
    out = _attend(4, *parts, mask, None)
    out.float().square().sum().backward()
    return [out.detach().float(), *(part.grad.float() for part in parts)]


@pytest.mark.parametrize("masked", [False, True])
def test_half_precision_attention_is_that_of_single_precision_rounded(masked: bool) -> None:
    for half, single in zip(_gradients(torch.bfloat16, masked), _gradients(torch.float32, masked), strict=True):
        assert torch.allclose(half, single, atol=0.03 * float(single.abs().max()))


@pytest.mark.parametrize(("dtype", "fused"), [(torch.bfloat16, False), (torch.float32, True)])
def test_half_precision_trains_on_a_cpu_without_the_slow_gradient_of_the_fused_kernel(
    dtype: torch.dtype, fused: bool
) -> None:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        _gradients(dtype, masked=False)
    assert any("flash_attention" in event.key for event in seen.key_averages()) is fused
