"""How worker processes begin."""

import subprocess
import sys

import pytest

from mora_bench.workers import HEAVY, context

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are new interpreters")

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


def loaded() -> set[str]:
    return set(sys.modules)


def test_workers_begin_with_the_heavy_imports_done():
    with context().Pool(1) as pool:
        assert set(HEAVY) <= pool.apply(loaded)


def test_ctrl_c_is_the_callers_and_leaves_the_server_alone():
    found = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        check=False,
        text=True,
        start_new_session=True,
        timeout=60,
    )
    assert (found.stdout, found.stderr, found.returncode) == ("7\n", "", 0)
