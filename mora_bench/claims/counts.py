"""Parameters of methods on ViLT-B/32, from shapes alone: no weights are needed."""

import torch
from transformers import ViltConfig, ViltModel

from mora_bench import registry
from mora_bench.backbones.vilt import Vilt, extend_positions
from mora_bench.methods.contract import Axes
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model
from mora_bench.records.schema import Parameters
from mora_bench.training.cost import parameters

#: Positions of texts, as the released code has them.
TEXT = 1024


def counted(name: str, axes: Axes, classes: int) -> Parameters:
    """Parameters of a method on ViLT-B/32 with a classifier for so many classes."""
    with torch.device("meta"):
        vilt = ViltModel(ViltConfig())
        extend_positions(vilt, TEXT)
        backbone = Vilt(vilt, {"text": "text", "image": "image"})
        method = registry.get(registry.METHODS, name)(backbone, axes)
        return parameters(Model(backbone, method, Dummy(backbone), classes, head_seed=0))
