"""Whether a cell is still what was planned: its code, its data, its precision; each refuses with the reason."""

from mora_bench import registry
from mora_bench.cells.cell import NONE, Cell
from mora_bench.cells.missing import Missing
from mora_bench.cells.precision import native_bf16
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.records import provenance


def other_code(cell: Cell) -> str:
    """The first of a cell's method, imputer, mechanisms and gaps that is of another version here; "" if none is.

    Raises:
        UserError: one of them is not known here.
    """
    group = registry.PREDICTORS if cell.recipe is None else registry.METHODS
    parts = [(group, cell.method, cell.method_version), (registry.IMPUTERS, cell.impute, cell.impute_version)]
    parts += [(registry.GAPS, gaps.mechanism, gaps.version) for gaps in (cell.gaps, cell.tested_gaps) if gaps]
    other = [name for kind, name, v in parts if name != NONE and registry.version(kind, name) != v]
    return next(iter([*other, *filter(None, map(_other_mechanism, (cell.mechanism, cell.test_missing)))]), "")


def _other_mechanism(missing: Missing) -> str:
    """The kind of a mechanism that draws in another version here; "" if it draws in the same."""
    kind = missing.mechanism.partition(":")[0]
    return "" if masks.version_of(kind, missing.unit) == missing.version else kind


def same_test_masks(cell: Cell) -> None:
    """Check that the masks under which a cell was tested can be drawn again.

    Raises:
        UserError: its draws are older than those of this version, or another version of the mechanism drew them.
    """
    cell.check_draws()
    if kind := _other_mechanism(cell.test_missing):
        unit = f" by {cell.test_missing.unit}" if cell.test_missing.unit != "sample" else ""
        raise UserError(
            f"{cell.label}: another version of {kind}{unit} drew its test masks; use the one that it was made with, "
            "or compute the cell again."
        )


def same_code(cell: Cell) -> None:
    """Check that what a cell runs is what it was planned with: a plug-in's file may be edited meanwhile.

    Raises:
        UserError: a part of it is of another version by now.
    """
    if other := other_code(cell):
        raise UserError(f"{other} was changed after the grid was planned; the same command plans again.")


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
