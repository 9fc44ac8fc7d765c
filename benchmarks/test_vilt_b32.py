"""A step of MoRA on ViLT-B/32 against what the field's scripts do, and by where it is inserted. Batch 4, float32."""

import time

import numpy as np
import pytest
import torch
from mora_baselines.head import Head
from rivals import MODALITIES, batch, encoders, network, ours, released, step, step_gflops, vilt, with_peft

from mora_bench.backbones.vilt import Vilt
from mora_bench.methods.contract import Axes
from mora_bench.methods.mora import Mora
from mora_bench.training.flops import flop_counter

ROUNDS = {"rounds": 3, "warmup_rounds": 1}
WAYS = {"mora_bench": ours, "transformers + peft": with_peft, "released": released}
#: Fast variants run more often, because their ratios are closer to the wanted ones.
TURN = [*3 * ["mora_bench", "transformers + peft", "mora_bench, bf16"], "released"]


def flops(forward) -> int:
    """FLOPs of a step, forward and backward."""
    with flop_counter() as counter:
        forward().sum().backward()
    return counter.get_total_flops()


@pytest.mark.benchmark(group="MoRA's training step, ViLT-B/32, batch 4, 320 x 608: the rivals in turn")
def test_step(benchmark):
    """All three in turn, so that slow phases of the machine affect all of them; the ratios are those of the medians."""
    made = {way: make() for way, make in WAYS.items()}
    steps = {way: step(forward, trained) for way, (_model, forward, trained) in made.items()}
    _model, forward, trained = made["mora_bench"]
    steps["mora_bench, bf16"] = step(forward, trained, torch.bfloat16)
    seconds: dict[str, list[float]] = {way: [] for way in steps}

    def turn(ways=TURN):
        for way in ways:
            begun = time.perf_counter()
            steps[way]()
            seconds[way].append(time.perf_counter() - begun)

    # A step of the released code takes as long as all others of a turn, and is not warmed up.
    turn(TURN[:3])
    for times in seconds.values():
        times.clear()
    benchmark.pedantic(turn, rounds=1)
    median = {way: float(np.median(times)) for way, times in seconds.items()}
    counted = {f"{way}, FLOPs": flops(forward) for way, (_model, forward, _trained) in made.items()}
    our_time, our_flops = median.pop("mora_bench"), counted.pop("mora_bench, FLOPs")
    benchmark.extra_info |= {
        "ratios": {
            **{way: took / our_time for way, took in median.items()},
            **{way: count / our_flops for way, count in counted.items()},
        },
        "wanted": {"transformers + peft": ">= 1.3", "released": ">= 15"},
    }


def inserted(block):
    return network(Head, Axes()) if block == "head only" else network(Mora, Axes(4, (block,)))


@pytest.mark.parametrize("block", [0, 3, 6, 9, 11, "head only"])
@pytest.mark.benchmark(group="a step by insertion block, ViLT-B/32, the frozen beginning kept")
def test_step_by_block(benchmark, block):
    model = inserted(block)
    _model, forward, trained = ours(model)
    benchmark.extra_info["gflops"] = step_gflops(model, batch())
    benchmark.extra_info |= {"base": True} if block == 0 else {}
    # At the last block only [CLS] is computed, so the optimiser takes most of the step.
    benchmark.extra_info |= {"follows_flops": True} if block in (0, 3, 6, 9) else {"wanted": "<= 0.05"}
    benchmark.pedantic(step(forward, trained), **ROUNDS)


@pytest.mark.parametrize("block", [0, 6, 11, "head only"])
@pytest.mark.benchmark(group="a step by insertion block, ViLT-B/32, nothing kept")
def test_step_without_prefix(benchmark, block):
    model = inserted(block)
    benchmark.extra_info |= {"base": True} if block == 0 else {}
    _model, forward, trained = ours(model, keep=False)
    benchmark.pedantic(step(forward, trained), rounds=2, warmup_rounds=1)


@pytest.mark.parametrize("which", ["mora_bench", "transformers"])
@pytest.mark.benchmark(group="forward pass, ViLT-B/32, batch 4, 320 x 608")
def test_encoder(benchmark, which):
    benchmark.extra_info["base"] = which == "mora_bench"
    run = encoders(Vilt(vilt(), MODALITIES), batch(), first=1)[which]
    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
