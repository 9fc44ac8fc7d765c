"""How worker processes begin."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from conftest import make_cell, make_floor

from mora_bench import campaign
from mora_bench.cli.grid import _has_networks
from mora_bench.plan.grid import Grid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are new interpreters")

#: In a process of its own, because the first call of a process says what the server imports.
LOADED = """
from mora_bench.campaign import NETWORKS_IMPORT
from mora_bench.workers import context, endable
with context(NETWORKS_IMPORT).Pool(1, endable) as pool:
    loaded = pool.apply(eval, ("set(__import__('sys').modules)",))
print(sorted(set(NETWORKS_IMPORT) - loaded))
"""

#: Ctrl-C reaches the whole process group while the server of the workers imports; then a worker is asked something.
INTERRUPTED = """
import os, signal, time
from mora_bench.workers import context, endable
made = context()
time.sleep(1)
try:
    os.killpg(0, signal.SIGINT)
    print("not interrupted")
except KeyboardInterrupt:
    pass
with made.Pool(1, endable) as pool:
    print(pool.apply(abs, (-7,)))
"""


def test_workers_of_grids_without_networks_import_none_of_their_libraries():
    code = "import sys, importlib; from mora_bench.campaign import WORKERS_IMPORT as names; "
    code += "[importlib.import_module(name) for name in names]; print({'peft', 'transformers'} & {*sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=180)
    assert ended.stdout == "set()\n"


@pytest.mark.parametrize(
    ("asked", "networks"),
    [
        ({"methods": ("prior", "tfidf")}, False),
        ({"methods": ("prior", "frozen")}, True),
        ({"methods": ("head",), "floors": ("none",)}, True),
        ({"methods": ("prior",), "parts": ({"methods": ["head"]},)}, True),
    ],
)
def test_what_a_grid_asks_for_says_whether_it_has_networks(asked, networks):
    assert _has_networks(Grid(**asked)) is networks


def test_workers_begin_with_the_heavy_imports_done():
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, check=False, text=True, timeout=180)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("[]\n", "", 0)


#: A user's script, saved as a file, without a guard about what it does.
SCRIPT = """
print("the script runs")
from concurrent.futures import ProcessPoolExecutor
from mora_bench.workers import context, endable
with context().Pool(1, endable) as pool:
    print(pool.apply(abs, (-7,)))
with ProcessPoolExecutor(1, context(), endable) as pool:
    print(pool.submit(abs, -8).result())
process = context().Process(target=print, args=("a worker runs",), kwargs={"flush": True})
process.start()
process.join()
import sys
print(process.exitcode, __file__ == sys.argv[0], __spec__)
"""


def test_workers_do_not_run_the_users_script_again(tmp_path):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    ended = subprocess.run([sys.executable, "-u", file], capture_output=True, check=False, text=True, timeout=180)
    assert ended.stdout.splitlines() == ["the script runs", "7", "8", "a worker runs", "0 True None"], ended.stderr


def test_ctrl_c_is_the_callers_and_leaves_the_server_alone():
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        check=False,
        text=True,
        start_new_session=True,
        timeout=180,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("7\n", "", 0)


#: Says which process the server is, which imports for a minute, and waits to be killed.
IMPORTING = """
import time
from multiprocessing import forkserver
from mora_bench.workers import context
context(["slow"])
print(forkserver._forkserver._forkserver_pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_imports_still_ends_with_its_command(number, tmp_path):
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\npathlib.Path(__file__).with_name('began').touch()\ntime.sleep(60)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", IMPORTING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}) as process:
        server = psutil.Process(int(process.stdout.readline()))
        until = time.monotonic() + 60
        while not (tmp_path / "began").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert server.is_running()
        process.send_signal(number)
        process.wait()
    until = time.monotonic() + 5
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.05)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


#: Pools end their workers by SIGTERM. The worker here sleeps, so that nothing else could end it in time.
ENDED = """
import time
from mora_bench.workers import context, endable
with context().Pool(1, endable) as pool:
    pool.apply(abs, (-7,))
    pool.apply_async(time.sleep, (600,))
    time.sleep(0.5)
print("ended")
"""


def test_a_pool_ends_its_workers():
    ended = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, check=False, text=True, timeout=120)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("ended\n", "", 0)


@pytest.mark.parametrize(("method", "networks"), [("head", True), ("prior", False)])
def test_a_grid_from_python_starts_the_server_before_it_decodes(method, networks, runtime, folder, monkeypatch):
    """Whoever starts it first says what it imports; each worker would import the rest itself."""
    cell = make_floor(runtime, folder, method) if method == "prior" else make_cell(runtime, folder, method=method)
    order = []
    monkeypatch.setattr(campaign, "start_workers", lambda engine, networks: order.append((engine, networks)))
    monkeypatch.setattr(campaign, "prepare", lambda cells, runtime: order.append("decodes"))
    monkeypatch.setattr(campaign, "_shared", lambda *anything: iter(()))
    assert list(campaign.run([cell], runtime)) == []
    assert order == [("auto", networks), "decodes"]


#: The server is killed between two workers, as the system does when memory is short.
KILLED = """
import os, signal
from multiprocessing import forkserver
from mora_bench.workers import context, endable
context(["colorsys"])
os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
os.waitid(os.P_PID, forkserver._forkserver._forkserver_pid, os.WEXITED | os.WNOWAIT)
with context().Pool(1, endable) as pool:
    print(pool.apply(eval, ("'colorsys' in __import__('sys').modules",)))
"""


def test_a_server_that_was_killed_imports_the_same_when_it_starts_again():
    ended = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, check=False, text=True, timeout=120)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("True\n", "", 0)
