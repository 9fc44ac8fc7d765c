"""Requests to a Slurm cluster: to take jobs, through submitit, and to say which of them it still knows."""

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Lost, Work
from mora_bench.errors import UserError
from mora_bench.files import beside, digest, write_atomic

#: Seconds between two looks at the queue; and the looks in a row that may fail.
LOOK, PATIENCE = 5.0, 24
#: How often the time of a job may be up before it has failed; submitit's own 3 would end a cell of two days.
TIMES = 20
#: The resources that a job asks for unless `--resources` says otherwise; a job whose time is up goes on in another one.
DEFAULTS: dict[str, Any] = {"timeout_min": 24 * 60, "slurm_array_parallelism": 256}


def submitted(
    bundles: Sequence[Bundle], task: Callable[..., None], runtime: Runtime, work: Work, lost: Lost
) -> dict[str, Bundle]:
    """Submit one array, and remember in files which job runs what."""
    folder = runtime.out / "slurm"
    submitter = executor(runtime, folder, snapshot(folder))
    count = len(bundles)
    try:
        jobs = submitter.map_array(task, bundles, [runtime] * count, [work] * count, [lost] * count)
    except Exception as error:
        raise UserError(f"--engine slurm: sbatch refused ({error}). See --resources.") from error
    by_job = {job.job_id: bundle for job, bundle in zip(jobs, bundles, strict=True)}
    for job, bundle in by_job.items():
        write_atomic(file(folder, bundle, work), json.dumps({"job": job}).encode())
    return by_job


def executor(runtime: Runtime, folder: Path, code: Path | None = None) -> Any:
    """submitit's executor with the resources that a job asks for."""
    from submitit import AutoExecutor

    asked = DEFAULTS | {"cpus_per_task": runtime.threads, "name": "mora_bench"} | dict(runtime.resources)
    if code is not None:
        setup = asked.get("slurm_setup")
        asked["slurm_setup"] = [f"export PYTHONPATH={shlex.quote(str(code))}:$PYTHONPATH", *([setup] if setup else [])]
    try:
        timeouts = int(asked.pop("slurm_max_num_timeout", TIMES))
        submitter = AutoExecutor(folder=folder / "jobs", cluster="slurm", slurm_max_num_timeout=timeouts)
        submitter.update_parameters(**{name: _number(value) for name, value in asked.items()})
    except (ValueError, NameError, TypeError) as error:
        raise UserError(f"--resources: {error}") from error
    return submitter


def _number(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            return int(value)
    return value


@cache
def snapshot(folder: Path) -> Path:
    """A copy of this package's code, so that edits while jobs wait do not change them."""
    from mora_bench.records.provenance import COPIED, commit

    sources = {}
    for package in ("mora_bench", "mora_baselines"):
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            sources[package] = Path(next(iter(spec.submodule_search_locations)))
    files = sorted(f for source in sources.values() for f in source.rglob("*") if f.is_file() and f.suffix != ".pyc")
    code = folder / "code" / digest(part for f in files for part in (str(f).encode(), f.read_bytes()))
    if not code.is_dir():
        half = beside(code)
        for package, source in sources.items():
            shutil.copytree(source, half / package, ignore=shutil.ignore_patterns("__pycache__"))
        (half / COPIED).write_text(json.dumps(commit()))
        try:
            half.rename(code)
        except OSError:
            # Another grid was first.
            shutil.rmtree(half, ignore_errors=True)
    return code


def queue() -> set[str]:
    """The jobs of this user that wait or run, by their names in arrays.

    Raises:
        UserError: squeue failed again and again.
    """
    for _ in range(PATIENCE):
        completed = subprocess.run(
            ["squeue", "--me", "-h", "-r", "-o", "%i"], capture_output=True, text=True, check=False
        )
        if completed.returncode == 0:
            return set(completed.stdout.split())
        time.sleep(LOOK)
    raise UserError(f"squeue failed {PATIENCE} times: {completed.stderr.strip()}. Jobs that were submitted go on.")


def file(folder: Path, bundle: Bundle, work: Work) -> Path:
    """The file that says which job does this work on a bundle."""
    module = getattr(work, "func", work).__module__.rpartition(".")[2]
    return folder / "queued" / f"{bundle[0].key}-{module}.json"


def name(job: str) -> str:
    """The name of a job in leases."""
    return f"slurm {job}"


def job_of(file: Path) -> str:
    """The job that was submitted for a bundle, as far as is known; "" if none was."""
    try:
        known: Mapping[str, Any] = json.loads(file.read_text())
        return str(known["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def last_word(folder: Path, job: str) -> str | None:
    """How a job ended: "" well, an error, or None if it has not said so."""
    file = folder / "jobs" / f"{job}.ended"
    # Listing the folder asks the server, where a question for one file may be answered from memory.
    return file.read_text() if file.name in os.listdir(file.parent) else None


def log(folder: Path, job: str, quoted: bool) -> str:
    """The path of a job's log, and its last line where that may be quoted."""
    file = folder / "jobs" / f"{job}_0_log.err"
    try:
        lines = [line for line in file.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it left no log"
    return f"{file}: {lines[-1][:500] if lines else 'empty'}" if quoted else str(file)
