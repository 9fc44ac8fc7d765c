"""How worker processes begin."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are new interpreters")

#: In a process of its own, because the first call of a process says what the server imports.
LOADED = """
from mora_bench.campaign import WORKERS_IMPORT
from mora_bench.workers import context
with context(WORKERS_IMPORT).Pool(1) as pool:
    loaded = pool.apply(eval, ("set(__import__('sys').modules)",))
print(sorted(set(WORKERS_IMPORT) - loaded))
"""

#: Ctrl-C reaches the whole process group while the server of the workers imports; then a worker is asked something.
INTERRUPTED = """
import os, signal, time
from mora_bench.workers import context
made = context()
time.sleep(1)
try:
    os.killpg(0, signal.SIGINT)
    print("not interrupted")
except KeyboardInterrupt:
    pass
with made.Pool(1) as pool:
    print(pool.apply(abs, (-7,)))
"""


def test_workers_begin_with_the_heavy_imports_done():
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, check=False, text=True, timeout=180)
    assert (found.stdout, found.stderr, found.returncode) == ("[]\n", "", 0)


def test_ctrl_c_is_the_callers_and_leaves_the_server_alone():
    found = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        check=False,
        text=True,
        start_new_session=True,
        timeout=180,
    )
    assert (found.stdout, found.stderr, found.returncode) == ("7\n", "", 0)
