"""Tasks of a Ray cluster: one that runs already, or one of this machine's cores."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Engine, Lost, Work
from mora_bench.engines.processes import apart
from mora_bench.errors import UserError
from mora_bench.files import machine

#: Tasks that wait or run at once; more would burden the cluster's head.
AT_ONCE = 1000
#: How often a bundle is given out again because the node that ran it is gone.
NODES = 3
#: The parts of `--resources` that a task asks for; `address` says which cluster.
ASKED = ("num_cpus", "num_gpus", "memory")


class Ray(Engine):
    title = "tasks of a Ray cluster (extra ray)"
    elsewhere = True

    def __init__(self) -> None:
        #: How often a node was lost that ran a bundle, by the first key in it.
        self.nodes: Counter[str] = Counter()

    def ready(self, runtime: Runtime) -> None:
        if find_spec("ray") is None:
            raise UserError("--engine ray needs Ray: pip install 'mora-bench[ray]'.")
        for name, value in runtime.resources:
            if name not in ("address", *ASKED):
                raise UserError(f"--resources {name}={value}: of Ray, {', '.join(('address', *ASKED))} can be given.")
        _asked(runtime)

    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        import ray

        runtime = runtime.absolute()
        ours = not ray.is_initialized()
        if ours:
            _connect(runtime)
        task = ray.remote(max_retries=0, **_asked(runtime))(apart)
        waiting = list(reversed(bundles))
        running: dict[Any, Bundle] = {}
        try:
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    bundle = waiting.pop()
                    running[task.remote(bundle, _as_job(runtime, bundle), work, lost)] = bundle
                ended, _ = ray.wait(list(running), num_returns=1)
                for reference in ended:
                    bundle = running.pop(reference)
                    cause = _died(reference)
                    if cause and self.nodes[bundle[0].key] < NODES:
                        self.nodes[bundle[0].key] += 1
                        waiting.append(bundle)
                        continue
                    if cause:
                        for cell in bundle:
                            reason = f"its node or worker was lost {NODES + 1} times ({cause})"
                            lost(cell, _as_job(runtime, bundle), reason)
                    yield from bundle
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            if ours:
                ray.shutdown()


def _as_job(runtime: Runtime, bundle: Bundle) -> Runtime:
    """The runtime of all tries of a bundle by this command, so that one takes over what a dead one held."""
    return replace(runtime, job=f"ray {machine()} {os.getpid()} {bundle[0].key}")


def _connect(runtime: Runtime) -> None:
    """Join the cluster at the address that was given, or start one here that nothing outside this machine can reach."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = dict(runtime.resources).get("address")
    try:
        if address:
            ray.init(address=address, log_to_driver=False)
        else:
            ray.init(include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f"--engine ray: no cluster at {address or 'this machine'} ({error}).") from error


def _asked(runtime: Runtime) -> dict[str, Any]:
    """The resources that a task asks the cluster for."""
    asked: dict[str, Any] = {"num_cpus": runtime.threads}
    for name, value in runtime.resources:
        if name in ASKED:
            try:
                asked[name] = float(value)
            except ValueError:
                raise UserError(f"--resources {name}={value}: expected a number.") from None
    return asked


def _died(reference: Any) -> str:
    """Why a task left no result; "" if it came to its end.

    Raises:
        OSError: a record could not be written.
    """
    import ray
    from ray import exceptions

    try:
        ray.get(reference)
    except exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, OSError) else error from None
    except exceptions.RayError as error:
        return type(error).__name__
    return ""
