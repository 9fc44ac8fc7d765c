"""Why a method gives no cell on a backbone, a dataset and gaps, though each of them is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mora_bench import registry
from mora_bench.data.modalities.encoded import unread
from mora_bench.plan.recipes import drops

if TYPE_CHECKING:
    from mora_bench.backbones.spec import Spec
    from mora_bench.cells.recipe import Recipe
    from mora_bench.data.table import Table
    from mora_bench.plan.data_axes import Point


def senseless(name: str, spec: Spec, table: Table, gaps: Point, recipe: Recipe) -> str:
    """Why a method's cells make no sense, in words; "" if they do. `gaps`: one of `gaps_of`."""
    method = registry.get(registry.METHODS, name)
    why = method.unfit(spec) or unread(spec.rules, table.kinds, any(gaps.value)) or drops(method, recipe)
    return f"{name} makes no sense on {spec.name}: {why}" if why else gaps.why
