"""Jobs of a Slurm cluster, submitted as arrays through submitit.

The records of cells lie in the results folder, and are read there. Only two facts of a job are asked for: whether
squeue still knows it, because many clusters do without accounting, and how it says that it ended. The command may end
and jobs go on; the same command waits for them again.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines import slurm_jobs
from mora_bench.engines.contract import Bundle, Detached, Engine, Lost, Work
from mora_bench.engines.processes import apart
from mora_bench.errors import UserError
from mora_bench.files import write_atomic

#: Seconds for which a job must be out of the queue before it is believed to be lost, because shared file systems show
#: files of other machines late.
GONE = 90.0
#: Jobs that a cluster allows in one array, unless it is set up otherwise.
ARRAY = 1000


class Slurm(Engine):
    title = "jobs of a Slurm cluster, as arrays (extra slurm)"
    elsewhere = True

    def ready(self, runtime: Runtime) -> None:
        if find_spec("submitit") is None:
            raise UserError("--engine slurm needs submitit: pip install 'mora-bench[slurm]'.")
        if shutil.which("sbatch") is None or shutil.which("squeue") is None:
            raise UserError("--engine slurm: no sbatch or squeue here. Run the command where jobs are submitted.")
        slurm_jobs.executor(runtime, runtime.out / "slurm")

    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        job_runtime = replace(runtime.absolute(), detach=False)
        folder = job_runtime.out / "slurm"
        jobs = self._jobs(bundles, job_runtime, work, lost)
        if runtime.detach and jobs:
            raise Detached(f"{len(jobs)} Slurm jobs are submitted; the same command waits for them, without --detach")
        seen = dict.fromkeys(jobs, time.monotonic())
        try:
            while jobs:
                time.sleep(slurm_jobs.LOOK)
                queued = slurm_jobs.queue()
                seen |= {job: time.monotonic() for job in jobs if job in queued}
                for job in _ended(folder, jobs, seen):
                    bundle, ending = jobs.pop(job), slurm_jobs.last_word(folder, job)
                    slurm_jobs.file(folder, bundle, work).unlink(missing_ok=True)
                    if ending != "":
                        for cell in bundle:
                            # What a job printed, or its error says, may be a patient's.
                            plain = cell.source != "real"
                            quoted = (ending if plain else (ending or "").partition(":")[0]) or "ended without a word"
                            reason = f"Slurm job {job} {quoted}; {slurm_jobs.log(folder, job, plain)}"
                            lost(cell, replace(runtime, job=slurm_jobs.name(job)), reason)
                    yield from bundle
        except KeyboardInterrupt:
            if jobs:
                ids = " ".join(sorted({job.partition("_")[0] for job in jobs}))
                message = f"{len(jobs)} Slurm jobs go on; the same command waits for them, scancel {ids} ends them"
                raise Detached(message) from None
            raise
        except GeneratorExit:
            subprocess.run(["scancel", *jobs], check=False)
            raise

    def _jobs(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> dict[str, Bundle]:
        """The jobs of all bundles: those that were submitted before and are still known, and new ones."""
        queued = slurm_jobs.queue()
        jobs: dict[str, Bundle] = {}
        new = []
        for bundle in bundles:
            known = slurm_jobs.job_of(slurm_jobs.file(runtime.out / "slurm", bundle, work))
            if known in queued:
                jobs[known] = bundle
            else:
                new.append(bundle)
        for start in range(0, len(new), ARRAY):
            jobs |= slurm_jobs.submitted(new[start : start + ARRAY], SlurmJob(), runtime, work, lost)
        return jobs


def _ended(folder: Path, jobs: Mapping[str, Bundle], seen: Mapping[str, float]) -> list[str]:
    """The jobs that say that they ended, or that the queue has not known for long."""
    now = time.monotonic()
    return [job for job in jobs if now - seen[job] >= GONE or slurm_jobs.last_word(folder, job) is not None]


class SlurmJob:
    """The work of a job: its cells run in a separate process, so that none of them ends the job without a record."""

    def __call__(self, bundle: Bundle, runtime: Runtime, work: Work, lost: Lost) -> None:
        # submitit ignores SIGTERM, after which Slurm would wait half a minute before it kills.
        signal.signal(signal.SIGTERM, _end)
        from submitit import JobEnvironment

        job = JobEnvironment().job_id
        ending = ""
        try:
            apart(bundle, replace(runtime, job=slurm_jobs.name(job)), work, lost)
        except Exception as error:
            ending = f"ended with {type(error).__name__}: {error}"
            raise
        finally:
            # Not where the job is ended from outside: SystemExit is no Exception, and another run of it goes on.
            if ending or sys.exc_info()[0] is None:
                write_atomic(runtime.out / "slurm" / "jobs" / f"{job}.ended", ending.encode())

    def checkpoint(self, *arguments: Any) -> Any:
        """The work that submitit runs in another job if this one's time is up or it is preempted: the same, from where
        the files say that it stands."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)
