"""On a GPU: every method's step on ViLT-B/32 at batch 64, MoRA against transformers + peft, six ranks as one, graphs.

Skipped where there is none. For the tables in results/reference/gpu:

    pytest benchmarks/test_gpu.py --benchmark-only --benchmark-json=results/reference/gpu/steps.json
    python benchmarks/ratios.py results/reference/gpu/steps.json > results/reference/gpu/steps.md
"""

import pytest
import torch
from ratios import wanted
from rivals import MODALITIES, batch, network, ours, settled, step, step_gflops, vilt, with_peft
from test_step import METHODS

from mora_bench import registry
from mora_bench.backbones.vilt import Vilt
from mora_bench.checks.subject import own_axes
from mora_bench.methods.contract import Axes
from mora_bench.methods.mora import Mora
from mora_bench.training.loop import compiled
from mora_bench.training.vectorised import share_frozen, together

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
BF16 = torch.bfloat16
DEVICE = torch.device("cuda")
#: The number of steps that are timed together, with one synchronisation.
STEPS = 10


@pytest.fixture(scope="module")
def rate() -> float:
    """FLOP/s of a bf16 matrix product of 8192 x 8192, the best of five."""
    a = torch.randn(8192, 8192, device=DEVICE, dtype=BF16)
    best = 0.0
    for _ in range(5):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(20):
            a @ a
        end.record()
        torch.cuda.synchronize()
        best = max(best, 20 * 2 * 8192**3 / (start.elapsed_time(end) / 1000))
    return best


def timed(benchmark, run):
    def some():
        for _ in range(STEPS):
            run()
        torch.cuda.synchronize()

    benchmark.extra_info["steps"] = STEPS
    benchmark.pedantic(some, rounds=5, warmup_rounds=2)
    return benchmark.stats["median"] / STEPS


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.benchmark(group="ten training steps, ViLT-B/32, batch 64, 320 x 608, bf16")
def test_step(benchmark, name, rate):
    method = registry.get(registry.METHODS, name)
    model = settled(network(method, own_axes(method, Vilt(vilt(), MODALITIES))), DEVICE)
    inputs = batch(16).to(DEVICE)
    constant = model.shortcuts.constant
    gflops = 16 * step_gflops(model, batch().to(DEVICE), keep=constant)
    _model, forward, trained = ours(model, keep=constant, inputs=inputs)
    torch.cuda.reset_peak_memory_stats()
    seconds = timed(benchmark, step(forward, trained, BF16))
    benchmark.extra_info |= {
        "gflops": gflops,
        "mib": torch.cuda.max_memory_allocated() / 2**20,
        "utilisation": gflops * 1e9 / seconds / rate,
        "base": name == "full",
    }
    if name == "full":
        wanted(benchmark, utilisation=(benchmark.extra_info["utilisation"], ">= 0.5"))


WAYS = {
    "mora_bench": "off",
    "mora_bench compiled": "on",
    "mora_bench with CUDA graphs": "graphs",
    "transformers + peft": "off",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.benchmark(group="ten training steps of MoRA, ViLT-B/32, batch 4, 320 x 608, bf16")
def test_rivals(benchmark, way):
    inputs = batch().to(DEVICE)
    _model, forward, trained = with_peft(inputs) if "peft" in way else ours(inputs=inputs)
    compiler = WAYS[way]
    benchmark.extra_info |= {"wanted": ">= 3"} if "peft" in way else {"base": way == "mora_bench"}
    if compiler != "off":
        torch.testing.assert_close(compiled(forward, compiler)(), forward(), rtol=0, atol=1e-4)
    timed(benchmark, step(compiled(forward, compiler), trained, BF16))


@pytest.mark.parametrize("ranks", [(4,), (1, 2, 4, 8, 16, 32)], ids=["one rank", "six ranks as one"])
@pytest.mark.benchmark(group="ten training steps of MoRA, ViLT-B/32, batch 4, one rank and six as one, bf16")
def test_fused(benchmark, ranks):
    inputs = batch().to(DEVICE)
    models = [settled(network(Mora, Axes(rank, (0,))), DEVICE) for rank in ranks]
    share_frozen(models)
    state, run = models[0].begin(inputs), together(models)
    trained = [parameter for model in models for parameter in model.trained().values()]
    benchmark.extra_info |= {"base": True} if len(ranks) == 1 else {"wanted": "<= 3"}
    timed(benchmark, step(lambda: run(state).mean(0), trained, BF16))
