"""How processes of our own begin: as copies of one that has imported, once, what they all need."""

import multiprocessing
import signal
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext, SpawnContext


def context(imports: Sequence[str] = ()) -> ForkServerContext | SpawnContext:
    """What makes worker processes: on Linux copies of a server that has imported `imports`, elsewhere new interpreters.

    The first call starts the server, which then imports on a core of its own while the caller goes on; what a later
    call names is imported by each worker. Nothing that touches a GPU on import may be named: a copy could not use it
    then. Workers see the environment of the first call.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker

    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(imports))
    # Ctrl-C is the caller's to handle. The server would die of it while it imports; it inherits what is blocked here.
    # The tracker comes first, because its start lets Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return made
