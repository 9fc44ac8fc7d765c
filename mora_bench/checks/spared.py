"""The rules of methods about speed: skipped computations change nothing, and FLOPs can be counted."""

import dataclasses

import numpy as np
import torch

from mora_bench.checks.rules import expect
from mora_bench.checks.subject import CPU, Subject, own_axes
from mora_bench.methods.contract import declares
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Shortcuts
from mora_bench.training.flops import forward_flops, step_flops
from mora_bench.training.state_cache import Feed
from mora_bench.training.vectorised import together


def beginning(subject: Subject) -> None:
    """Skipping work (a kept beginning, a block computed ahead, one token of the last block) changes no logits."""
    model = subject.evaluated
    at, shortcuts = np.array([3, 12, 7]), model.shortcuts
    with torch.no_grad():
        reused = model.finish(Feed(model, subject.training, 8, CPU).state(at))
        try:
            model.shortcuts = Shortcuts()
            computed = model.finish(Feed(model, subject.training, 8, CPU).state(at))
        finally:
            model.shortcuts = shortcuts
    worst = (reused - computed).abs().max().item()
    expect(worst < 1e-4, f"logits differ by {worst:.2g} when nothing is skipped")


def padding(subject: Subject) -> None:
    """Padding may be left out of the blocks: the logits are the same, or `samples_apart` is declared."""
    if declares(subject.method, "samples_apart"):
        return
    model, rows = subject.evaluated, np.arange(12)
    try:
        with torch.no_grad():
            model.backbone.see_samples_apart(True)
            apart = model(subject.training.batch(rows))
            model.backbone.see_samples_apart(False)
            # With runs at no cost, all padding is left out.
            setattr(model.backbone, "run_cost", 0)  # noqa: B010 (other backbones ignore it)
            worst = (model(subject.training.batch(rows)) - apart).abs().max().item()
    finally:
        model.backbone.see_samples_apart(False)
    expect(
        worst < 1e-4,
        f"logits differ by {worst:.2g} when padding is left out of the blocks; declare samples_apart = True in "
        f"{subject.method.__name__} itself",
    )


def ranks(subject: Subject) -> None:
    """Where `pads_rank` is declared, zeros added to a smaller rank change no logits."""
    if not declares(subject.method, "pads_rank"):
        return
    expect("rank" in subject.method.reads, "pads_rank is declared, and the method does not read a rank")
    # An imputer that trains has no rank, and may not run vectorised.
    subject = dataclasses.replace(subject, imputer=Dummy)
    axes = own_axes(subject.method, subject.backbone())
    models = [subject.model(axes=dataclasses.replace(axes, rank=rank)) for rank in (2, 5)]
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for model in models:
            for parameter in model.method.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
        state = models[0].eval().begin(subject.training.batch(np.arange(12)))
        alone = torch.stack([model.eval().finish(state) for model in models])
        worst = (together(models)(state) - alone).abs().max().item() / alone.abs().max().item()
    expect(
        worst < 1e-4,
        f"logits of rank 2 and rank 5 trained as one differ by {worst:.2g} of their scale from those of each alone: "
        "the smaller rank's zeros are not without effect",
    )


def flops(subject: Subject) -> None:
    """FLOPs can be counted: both counters agree."""
    model = subject.model()
    batch = subject.samples.batch(np.arange(1), np.ones((1, len(subject.samples.contents)), bool))
    step = step_flops(model, batch)
    forward, unknown = forward_flops(model, batch)
    expect(
        abs(forward - step["forward"]) <= 1e-3 * step["forward"],
        f"fvcore counts {forward:.4g} FLOPs of a forward pass, FlopCounterMode {step['forward']:.4g}"
        + f"; fvcore has no formula for {', '.join(unknown)}" * bool(unknown),
    )
