"""FLOPs of a pass and of a training step, by fvcore and by torch. One multiply-add counts as 2 FLOPs everywhere.

Only matrix products, convolutions and attention are counted, not element-wise work and norms. Both counters agree on
these, and closed forms give the same. What cannot be counted never fails a cell: it is left out, and named.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import conv_flop_count
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mora_bench.cells.cell import Cell
from mora_bench.data.batch import Batch
from mora_bench.data.samples import Samples
from mora_bench.methods.network import Model
from mora_bench.records.schema import Flops
from mora_bench.training.probe import untouched


class _Flat(nn.Module):
    """A model whose inputs are tensors, because tracing needs that."""

    def __init__(self, model: Model, batch: Batch):
        super().__init__()
        self.model = model
        self._batch = batch

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.model(self._batch.with_tensors(list(tensors)))


def _attention(inputs: list, outputs: list) -> int:
    """Multiply-adds of softmax(q k^T) v. fvcore has no handle for the fused operator."""
    *leading, queries, width = inputs[0].type().sizes()
    keys = inputs[1].type().sizes()[-2]
    return 2 * int(np.prod(leading)) * queries * keys * width


def _product(inputs: list, outputs: list) -> int:
    """Multiply-adds of a matrix product. Its left side may have more dimensions than fvcore's own handle allows."""
    return int(np.prod(outputs[0].type().sizes())) * inputs[0].type().sizes()[-1]


def _convolution(inputs: list, outputs: list) -> Counter[str]:
    """Multiply-adds of a convolution whose padding has a name, such as "valid", for which fvcore has no handle; under
    the name of its handle of the others."""
    shapes = (tensor.type().sizes() for tensor in (*inputs[:2], outputs[0]))
    return Counter({"conv": int(conv_flop_count(*map(list, shapes)))})


def _nothing(inputs: list, outputs: list) -> int:
    """Zero, for operators that fvcore counts by element and this module does not count."""
    return 0


#: Operators that move, select, compare or scale: no products, so nothing to count.
FREE = {
    f"aten::{name}"
    for name in [
        "__or__",
        "_unique2",
        "abs",
        "add",
        "add_",
        "all",
        "amax",
        "any",
        "arange",
        "argsort",
        "bitwise_and",
        "bitwise_not",
        "bitwise_or",
        "cat",
        "clamp",
        "clamp_max",
        "clamp_min",
        "clone",
        "constant_pad_nd",
        "copy_",
        "cummax",
        "cumsum",
        "div",
        "dropout",
        "embedding",
        "eq",
        "exp",
        "expand",
        "expand_as",
        "expm1",
        "eye",
        "feature_dropout",
        "fill_",
        "full",
        "full_like",
        "gather",
        "ge",
        "gelu",
        "gt",
        "im2col",
        "index",
        "index_add",
        "index_add_",
        "index_copy",
        "index_put_",
        "index_select",
        "isnan",
        "layer_norm",
        "le",
        "lift_fresh",
        "linalg_norm",
        "linalg_vector_norm",
        "log",
        "logical_and",
        "logical_not",
        "lt",
        "masked_fill",
        "masked_fill_",
        "max",
        "max_pool2d",
        "mean",
        "mT",
        "meshgrid",
        "mul",
        "nan_to_num",
        "ne",
        "neg",
        "new_full",
        "new_ones",
        "new_zeros",
        "nonzero",
        "norm",
        "numpy_T",
        "ones",
        "one_hot",
        "ones_like",
        "pad",
        "pow",
        "real",
        "repeat",
        "round",
        "rsqrt",
        "rsub",
        "sigmoid",
        "softmax",
        "sort",
        "sqrt",
        "stack",
        "sub",
        "sum",
        "tanh",
        "to",
        "topk",
        "type_as",
        "unflatten",
        "unique_dim",
        "upsample_bicubic2d",
        "upsample_bilinear2d",
        "upsample_linear1d",
        "view_as_complex",
        "where",
        "zeros",
        "zeros_like",
    ]
}


class FlopCount(NamedTuple):
    """FLOPs, and the operators that were called free because there is no formula for them."""

    flops: float
    without_formula: tuple[str, ...]


def by_operator(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Multiply-adds of `module(*inputs)` by operator, by fvcore with handles for what it lacks; and the operators that
    were called free because there is no formula for them."""
    analysis = FlopCountAnalysis(module, inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle(
        "aten::scaled_dot_product_attention",
        _attention,
        "aten::matmul",
        _product,
        "aten::_convolution_mode",
        _convolution,
        "aten::layer_norm",
        _nothing,
        "aten::batch_norm",
        _nothing,
        "aten::adaptive_avg_pool2d",
        _nothing,
        "aten::upsample_bilinear2d",
        _nothing,
        "aten::upsample_bicubic2d",
        _nothing,
        "aten::upsample_nearest2d",
        _nothing,
    )
    counts = {name: int(count) for name, count in analysis.by_operator().items()}
    return counts, tuple(sorted(set(analysis.unsupported_ops()) - FREE))


def forward_flops(model: Model, batch: Batch) -> FlopCount:
    """FLOPs of a forward pass of the whole network on `batch`, by fvcore, divided by its samples."""
    counts, unknown = by_operator(_Flat(model, batch).eval(), tuple(batch.tensors()))
    return FlopCount(2 * sum(counts.values()) / len(batch), unknown)


@contextmanager
def flop_counter() -> Iterator[FlopCounterMode]:
    """torch's counter, with attention on the math kernel, because the fused one counts as 0 on a CPU."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        yield counter


def counted(model: Model, batch: Batch) -> tuple[Flops | None, list[str]]:
    """FLOPs of a forward pass and a training step, and tokens by modality, per sample of `batch`; and what they leave
    out, in words. None where the step itself cannot be counted. Never raises: a cell is worth more than its cost."""
    try:
        # Counting may draw at random and update running means: cells that are not counted anew must train alike.
        with untouched(model):
            step = step_flops(model, batch)
            with torch.no_grad():
                parts = model.embed(batch)
    except Exception as error:
        model.zero_grad(set_to_none=True)
        return None, [f"all: a training step of one sample cannot be counted ({type(error).__name__})"]
    names = model.backbone.modalities
    tokens = {name: int(part.mask.sum()) // len(batch) for name, part in zip(names, parts, strict=True)}
    try:
        with untouched(model):
            forward, unknown = forward_flops(model, batch)
        left_out = list(unknown)
    except Exception as error:
        # fvcore traces, which not every network can bear; torch's counter does not.
        forward, left_out = step["forward"], [f"what fvcore alone would count ({type(error).__name__})"]
    flops = Flops(
        forward=forward,
        step_begin=step["begin"],
        step_forward=step["forward"],
        step_backward=step["backward"],
        tokens=tokens,
    )
    return flops, left_out


def step_flops(model: Model, batch: Batch) -> dict[str, float]:
    """FLOPs per sample of a training step on `batch`, by torch's FlopCounterMode.

    `begin` is the frozen beginning, which is computed once per sample and cell if its states are kept; `forward` and
    `backward` are those of the whole network.
    """
    counts: Counter[str] = Counter()
    with flop_counter() as counter:
        state = model.begin(batch)
    counts["begin"] = counter.get_total_flops()
    with flop_counter() as counter:
        loss = model.finish(state).sum()
    counts["forward"] = counts["begin"] + counter.get_total_flops()
    with flop_counter() as counter:
        loss.backward()
    counts["backward"] = counter.get_total_flops()
    model.zero_grad(set_to_none=True)
    return {name: count / len(batch) for name, count in counts.items()}


#: FLOPs that this process has counted. They depend on shapes alone, so seeds share them.
_known: dict[tuple, tuple[Flops | None, list[str]]] = {}


def of_cell(cell: Cell, model: Model, data: Samples, device: torch.device) -> tuple[Flops | None, list[str]]:
    """FLOPs of a reference sample in a forward pass and in a training step, its tokens per modality, and what is left
    out; counted once for all cells that share data, network and method."""
    assert cell.recipe is not None
    recipe = cell.recipe
    data_and_net = (cell.data, recipe.max_text, cell.weights, recipe.readout, recipe.projection, str(device))
    key = (*data_and_net, cell.method, cell.method_version, cell.rank, cell.blocks, cell.knobs, cell.impute)
    if key not in _known:
        _known[key] = counted(model, reference_batch(data).to(device))
    return _known[key]


def reference_batch(data: Samples) -> Batch:
    """A batch of one typical sample: the one of median length, with all modalities that it has."""
    row = np.argsort(data.lengths(np.arange(len(data))), kind="stable")[len(data) // 2]
    return data.batch(np.array([row]), data.present[[row]])
