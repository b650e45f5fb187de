"""What is told at the terminal, and what is ours among the machine's processes."""

import os
import subprocess
import sys
import time

from portal.embedded import processes
from portal.embedded.installation import Lock
from portal.embedded.layout import Layout
from portal.embedded.supervision import Watcher


def info(state, pid, *, code=0):
    return {"statename": state, "pid": pid, "exitstatus": code}


def told(*looks):
    watcher = Watcher()
    return [sentence for look in looks for sentence in watcher.look(look)]


def test_a_start_is_no_news():
    assert told({"web": info("STARTING", 1)}, {"web": info("RUNNING", 1)}, {"web": info("RUNNING", 1)}) == []


def test_a_fall_and_a_return_are_told_once_each():
    looks = [{"web": info(*now)} for now in (("RUNNING", 1), ("BACKOFF", 0), ("STARTING", 2), ("RUNNING", 2))]
    assert told(*looks) == ["web ended unexpectedly and is started again; see logs/web.log", "web runs again"]


def test_a_fall_between_two_looks_is_told_too():
    assert len(told({"web": info("RUNNING", 1)}, {"web": info("RUNNING", 2)})) == 2


def test_the_store_ending_well_is_no_fall():
    assert told({"store": info("RUNNING", 1)}, {"store": info("EXITED", 0)}) == []


def test_a_supervisor_that_is_silent_for_a_moment_is_no_fall():
    assert told({"web": info("RUNNING", 1)}, {}, {"web": info("RUNNING", 1)}) == []


def test_the_lock_tells_who_holds_it_and_is_free_when_that_process_is_gone(tmp_path):
    layout = Layout(tmp_path / "var")
    layout.create()
    holding = (
        "import sys, time; from portal.embedded.installation import Lock; from portal.embedded.layout import Layout;"
        "from pathlib import Path; lock = Lock(Layout(Path(sys.argv[1]))); lock.take(url='here');"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", holding, str(layout.data)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    assert Lock(layout).holder() == {"pid": holder.pid, "url": "here"}
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert Lock(layout).holder() is None


def test_a_child_in_a_session_of_its_own_whose_parent_was_killed_is_found_and_ended():
    """As training is: its own session, and its agent may have been killed."""
    script = (
        "import os, subprocess, sys, signal, time\n"
        "from portal.embedded import processes\n"
        "processes.adopt_orphans()\n"
        "sleeper = [sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(300)']\n"
        "start = f'import subprocess; print(subprocess.Popen({sleeper!r}, start_new_session=True).pid, flush=True);'\n"
        "agent = [sys.executable, '-c', start + 'import time; time.sleep(300)']\n"
        "agent = subprocess.Popen(agent, stdout=subprocess.PIPE, text=True)\n"
        "orphan = int(agent.stdout.readline()); agent.kill(); agent.wait(); time.sleep(0.3)\n"
        "assert processes.parents()[orphan] == os.getpid()\n"
        "left = processes.end_all(os.getpid(), patience=0.5)\n"
        "assert left == [orphan] and processes.descendants(os.getpid()) == []\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_memory_of_a_living_process_is_known_and_of_a_gone_one_is_nothing():
    assert processes.memory(os.getpid()) > 1024 * 1024
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    time.sleep(0)
    assert processes.memory(gone.pid) == 0
