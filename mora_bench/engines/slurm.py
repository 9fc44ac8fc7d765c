"""Jobs of a Slurm cluster, submitted as arrays through submitit.

What a cell found lies in the results folder, and is read there. Of a job only one thing is asked: whether squeue still
knows it, because many clusters do without accounting. The command may end and jobs go on; the same command waits for
them again.
"""

import json
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Detached, Engine, Lost, Work
from mora_bench.engines.processes import apart
from mora_bench.errors import UserError
from mora_bench.files import digest, write_atomic

#: Seconds between two looks at the queue; and the looks in a row that may fail, or must miss a job, to be believed.
LOOK, PATIENCE, MISSED = 5.0, 24, 2
#: What a cluster that was not told otherwise allows in one array.
ARRAY = 1000
#: What a job asks for unless `--resources` says otherwise; a job whose time is up goes on in another one.
DEFAULTS: dict[str, Any] = {"timeout_min": 24 * 60, "slurm_array_parallelism": 256}


class Slurm(Engine):
    title = "jobs of a Slurm cluster, as arrays (extra slurm)"
    elsewhere = True

    def ready(self, runtime: Runtime) -> None:
        if find_spec("submitit") is None:
            raise UserError("--engine slurm needs submitit: pip install 'mora-bench[slurm]'.")
        if shutil.which("sbatch") is None or shutil.which("squeue") is None:
            raise UserError("--engine slurm: no sbatch or squeue here. Run the command where jobs are submitted.")
        _executor(runtime, runtime.out / "slurm")

    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        whole = _absolute(runtime)
        place = whole.out / "slurm"
        queued = _queue()
        jobs: dict[str, Bundle] = {}
        new = []
        for bundle in bundles:
            known = _job_of(place, bundle)
            if known in queued:
                jobs[known] = bundle
            else:
                new.append(bundle)
        for start in range(0, len(new), ARRAY):
            jobs |= _submitted(new[start : start + ARRAY], whole, work, lost)
        if runtime.detach and jobs:
            raise Detached(f"{len(jobs)} Slurm jobs are submitted; the same command waits for them, without --detach")
        missed = dict.fromkeys(jobs, 0)
        try:
            while jobs:
                time.sleep(LOOK)
                queued = _queue()
                for job in list(jobs):
                    missed[job] = 0 if job in queued else missed[job] + 1
                    if missed[job] >= MISSED or _returned(place, job):
                        bundle = jobs.pop(job)
                        _file(place, bundle).unlink(missing_ok=True)
                        if not _returned(place, job):
                            for cell in bundle:
                                lost(cell, runtime, f"Slurm job {job} ended without a word; {_log(place, job)}")
                        yield from bundle
        except KeyboardInterrupt:
            if jobs:
                ids = " ".join(sorted({job.partition("_")[0] for job in jobs}))
                raise Detached(
                    f"{len(jobs)} Slurm jobs go on; the same command waits for them, scancel {ids} ends them"
                ) from None
            raise


class Task:
    """What a job runs: its cells in a process of their own, so that none of them can end the job without a record."""

    def __call__(self, bundle: Bundle, runtime: Runtime, work: Work, lost: Lost) -> None:
        # submitit ignores SIGTERM, after which Slurm would wait half a minute before it kills.
        signal.signal(signal.SIGTERM, _end)
        apart(bundle, runtime, work, lost)

    def checkpoint(self, *arguments: Any) -> Any:
        """What submitit runs in another job if this one's time is up or it is preempted: the same, from where the
        files say that it stands."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _absolute(runtime: Runtime) -> Runtime:
    """The runtime as a job sees it, wherever it starts."""
    root = runtime.data_root and runtime.data_root.resolve()
    return replace(runtime, out=runtime.out.resolve(), cache=runtime.cache.resolve(), data_root=root, detach=False)


def _executor(runtime: Runtime, place: Path, code: Path | None = None) -> Any:
    """submitit's executor with what a job asks for."""
    from submitit import AutoExecutor

    asked = DEFAULTS | {"cpus_per_task": runtime.threads, "name": "mora_bench"} | dict(runtime.resources)
    if code is not None:
        asked["slurm_setup"] = [f"export PYTHONPATH={shlex.quote(str(code))}:$PYTHONPATH"]
    made = AutoExecutor(folder=place / "jobs", cluster="slurm")
    try:
        made.update_parameters(**{name: _number(value) for name, value in asked.items()})
    except (ValueError, NameError, TypeError) as error:
        raise UserError(f"--resources: {error}") from error
    return made


def _number(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            return int(value)
    return value


def _submitted(bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> dict[str, Bundle]:
    """Submit one array, and remember in files which job runs what."""
    place = runtime.out / "slurm"
    executor = _executor(runtime, place, _snapshot(place))
    count = len(bundles)
    try:
        jobs = executor.map_array(Task(), bundles, [runtime] * count, [work] * count, [lost] * count)
    except Exception as error:
        raise UserError(f"--engine slurm: sbatch refused ({error}). See --resources.") from error
    found = {job.job_id: bundle for job, bundle in zip(jobs, bundles, strict=True)}
    for job, bundle in found.items():
        write_atomic(_file(place, bundle), json.dumps({"job": job}).encode())
    return found


def _snapshot(place: Path) -> Path:
    """A copy of this package's code, so that what is edited while jobs wait does not change them."""
    folders = {}
    for package in ("mora_bench", "mora_baselines"):
        found = find_spec(package)
        if found is not None and found.submodule_search_locations:
            folders[package] = Path(next(iter(found.submodule_search_locations)))
    files = sorted(f for folder in folders.values() for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc")
    code = place / "code" / digest(part for f in files for part in (str(f).encode(), f.read_bytes()))
    if not code.is_dir():
        half = code.with_name(f".{code.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        for package, folder in folders.items():
            shutil.copytree(folder, half / package, ignore=shutil.ignore_patterns("__pycache__"))
        half.rename(code)
    return code


def _queue() -> set[str]:
    """The jobs of this user that wait or run, by their names in arrays.

    Raises:
        UserError: squeue failed again and again.
    """
    for _ in range(PATIENCE):
        found = subprocess.run(["squeue", "--me", "-h", "-r", "-o", "%i"], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return set(found.stdout.split())
        time.sleep(LOOK)
    raise UserError(f"squeue failed {PATIENCE} times: {found.stderr.strip()}. Jobs that were submitted go on.")


def _file(place: Path, bundle: Bundle) -> Path:
    """The file that says which job runs a bundle."""
    return place / "queued" / f"{bundle[0].key}.json"


def _job_of(place: Path, bundle: Bundle) -> str:
    """The job that was submitted for a bundle, as far as is known; "" if none was."""
    try:
        known: Mapping[str, Any] = json.loads(_file(place, bundle).read_text())
        return str(known["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _returned(place: Path, job: str) -> bool:
    """Whether a job came to its end; what it returned is never read, because all of it is in the records."""
    return (place / "jobs" / f"{job}_0_result.pkl").exists()


def _log(place: Path, job: str) -> str:
    """Where a job's log is, and its last line."""
    file = place / "jobs" / f"{job}_0_log.err"
    try:
        lines = [line for line in file.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it left no log"
    return f"{file}: {lines[-1][:500] if lines else 'empty'}"
