"""The first import of the server of worker processes: from then on it ends with its command, even while it imports.

Python's own way, a pipe that closes, is seen only when all imports are done, which takes seconds on a busy machine.
Workers, which are copies of the server, do not inherit this; they look themselves (`workers.end_with`).
"""

import ctypes
import signal
import sys

#: prctl(2): the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1

# Nothing happens to a process that is no such server.
if any("multiprocessing.forkserver" in word for word in sys.orig_argv):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
