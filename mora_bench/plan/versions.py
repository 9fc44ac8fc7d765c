"""The versions that the cells of a table hang on beside those of their parts."""

from mora_bench import registry
from mora_bench.cells.cell import DRAWS_VERSION, TRAINING_VERSION
from mora_bench.cells.recipe import Recipe
from mora_bench.data.table import Table


def versions_of(table: Table) -> tuple[tuple[str, int | str], ...]:
    """The versions, by name, that are not 1: of training and draws, of the task and of the kinds of content; of a
    plug-in with the digest of its file, so that an edited one makes other cells."""
    versions: dict[str, int | str] = {"training": TRAINING_VERSION, "draws": DRAWS_VERSION}
    versions["task"] = _version(registry.TASKS, table.task.partition(":")[0])
    versions |= {f"kind {kind}": _version(registry.MODALITIES, kind) for kind in table.kinds}
    return tuple((name, version) for name, version in versions.items() if version != 1)


def fit_versions(name: str, table: Table) -> tuple[tuple[str, int | str], ...]:
    """The versions, by name, that are not 1, of how a competitor without a network is fitted: of the samples that are
    drawn by the weights of a table, and of its own folds where a patient has several samples and these several
    modalities, without which nothing is learned across folds."""
    versions: list[tuple[str, int | str]] = [("draws by weights", 2)] * bool(table.weights)
    if registry.get(registry.PREDICTORS, name).has_folds and len(set(table.patients)) < len(table):
        versions += [("own folds", 2)] * (int(table.present.any(0).sum()) > 1)
    return tuple(versions)


def start_versions(recipe: Recipe, table: Table) -> tuple[tuple[str, int | str], ...]:
    """The versions, by name, that are not 1, of where a network starts: a bias of the prevalence is that among samples
    as the weights of a table draw them."""
    return (("start by weights", 2),) if table.weights and recipe.head_bias == "prevalence" else ()


def _version(group: str, name: str) -> int | str:
    version = registry.version(group, name)
    return int(version) if version.isdecimal() else version
