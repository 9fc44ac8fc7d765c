"""How worker processes start: as copies of a process that has imported what all of them need."""

import multiprocessing
import signal
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext, SpawnContext


def context(imports: Sequence[str] = ()) -> ForkServerContext | SpawnContext:
    """A context that starts worker processes: on Linux copies of a server that has imported `imports`, elsewhere new
    interpreters.

    The first call starts the server, which imports while the caller goes on. Modules that only a later call names are
    imported by each worker itself. Modules that touch a GPU on import must not be named, because the copies could not
    use the GPU. Workers have the environment of the first call.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker

    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(imports))
    # The caller handles Ctrl-C, which would kill the importing server. The server inherits what is blocked here.
    # The tracker starts first, because its start unblocks Ctrl-C.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return made
