"""Whether a cell is still what was planned: its code, its data, its precision; each refuses with the reason."""

from mora_bench import registry
from mora_bench.cells.cell import NONE, Cell
from mora_bench.cells.precision import native_bf16
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import UserError
from mora_bench.records import provenance


def same_code(cell: Cell) -> None:
    """Check that a cell's method and imputer are what it was planned with: a plug-in's file may be edited meanwhile.

    Raises:
        UserError: one of them is of another version by now.
    """
    group = registry.PREDICTORS if cell.method in registry.names(registry.PREDICTORS) else registry.METHODS
    parts = [(group, cell.method, cell.method_version), (registry.IMPUTERS, cell.impute, cell.impute_version)]
    for kind, name, version in parts:
        if name != NONE and registry.version(kind, name, cell.task) != version:
            raise UserError(f"{name} was changed after the grid was planned; the same command plans again.")


def same_precision(cell: Cell, runtime: Runtime) -> None:
    """Refuse to emulate a precision that was chosen when planning, not asked for, because the planning machine has it.

    Raises:
        UserError: says which processor, and what to do.
    """
    if cell.recipe is None or cell.recipe.precision != "bf16" or not runtime.native:
        return
    native, why = native_bf16(runtime.device)
    if not native:
        raise UserError(
            "recipe.precision auto chose bf16 on the machine of the plan, but "
            f"{provenance.device_name(runtime.device)} has no native bf16 ({why}). Run the cell on a machine with "
            "bf16, plan on this machine, or give --recipe.precision fp32 (or bf16, which is then emulated)."
        )


def same_data(cell: Cell, fingerprint: str) -> None:
    """Refuse to run a cell on other data than it was planned on."""
    if fingerprint != cell.data:
        raise UserError(f"the data of {cell.dataset} changed after this cell was planned. Plan again.")
