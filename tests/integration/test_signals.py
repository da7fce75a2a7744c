"""Programs that are ended by signals: what a service manager sends, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import dedent

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

PROGRAM = """
    import signal
    import sys
    import time
    from pathlib import Path
    from threading import Event
    from apscheduler_lite import AsyncIOScheduler, BackgroundScheduler, BlockingScheduler

    # Whoever has started the tests in the background of a shell has had Ctrl-C ignored for them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def work(seconds):
        Path("began").touch()
        Event().wait(seconds)
        print("ended", flush=True)

    async def work_later(seconds):
        import asyncio
        Path("began").touch()
        await asyncio.sleep(seconds)
        print("ended", flush=True)
"""

POOLS = ["threadpool", "processpool"]


@contextmanager
def program(tmp_path, text):
    """Start a program, and wait until its job has begun."""
    path = tmp_path / "program.py"
    path.write_text(dedent(PROGRAM) + dedent(text))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", str(path)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until((tmp_path / "began").exists, 30, "begin of the job")
        yield process
    finally:
        process.kill()
        process.communicate()


def blocking(pool="threadpool", seconds=0.5, function="work", **options):
    """Return a program that is all BlockingScheduler."""
    return f"""
    if __name__ == "__main__":
        scheduler = BlockingScheduler(
            timezone="UTC", executors={{"default": {{"type": {pool!r}, "max_workers": 2}}}}, **{options!r}
        )
        scheduler.add_job({function}, args=[{seconds}])
        scheduler.add_job(print, "interval", args=["never"], hours=1)
        scheduler.start()
        print("start() has returned", scheduler.running, flush=True)
    """


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("pool", "function"), [("threadpool", "work"), ("threadpool", "work_later"), ("processpool", "work")]
)
def test_a_signal_ends_the_scheduler_after_the_runs_in_progress(tmp_path, pool, function, number):
    """With handle_signals, start() returns then, and the program goes on to its own end."""
    with program(tmp_path, blocking(pool, function=function, handle_signals=True)) as process:
        process.send_signal(number)
        printed, said = process.communicate(timeout=20)

    assert printed.splitlines() == ["ended", "start() has returned False"]
    assert said == ""
    assert process.returncode == 0


def test_ctrl_c_at_a_terminal_leaves_worker_processes_their_runs(tmp_path):
    """It goes to the whole group of processes; the parent decides."""
    with program(tmp_path, blocking("processpool", handle_signals=True)) as process:
        os.killpg(process.pid, signal.SIGINT)
        printed, said = process.communicate(timeout=20)

    assert printed.splitlines() == ["ended", "start() has returned False"]
    assert said == ""


@pytest.mark.parametrize("pool", POOLS)
def test_runs_are_waited_for_no_longer_than_the_timeout(tmp_path, pool):
    """What is still running after shutdown_timeout ends with the program, on threads and in processes."""
    text = blocking(pool, seconds=60, handle_signals=True, shutdown_timeout=0.3)
    with program(tmp_path, text) as process:
        process.send_signal(signal.SIGTERM)
        printed, said = process.communicate(timeout=20)

    assert printed.splitlines() == ["start() has returned False"]
    assert said.splitlines()[0] == "Scheduler shut down after 0.3 s with 1 run still in progress"
    assert process.returncode == 0


@pytest.mark.parametrize("pool", POOLS)
def test_a_second_signal_ends_the_program_at_once(tmp_path, pool):
    """Whatever is still running; also when workers have been forked with the handler of the first one."""
    with program(tmp_path, blocking(pool, seconds=60, handle_signals=True)) as process:
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_pending_shutdown(process.pid), 10, "shutdown")
        for _ in range(5):  # Python may see the first two as one, where it is slow to come to them
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(4)
                break
        printed, said = process.communicate(timeout=20)

    assert printed == ""
    assert "KeyboardInterrupt" in said.splitlines()
    assert process.returncode == -signal.SIGINT


def is_pending_shutdown(pid):
    """Return whether the signal that was sent has been handled: none is pending any more."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return int(pending.split()[1], 16) == 0


def test_the_handlers_stay_with_the_scheduler_when_a_job_forks(tmp_path):
    """A process that a job has forked can be ended as if nobody handled signals."""
    text = """
    import multiprocessing

    def wait():
        Path("waits").touch()
        Event().wait(60)

    def fork():
        child = multiprocessing.get_context("fork").Process(target=wait)
        child.start()
        while not Path("waits").exists():
            time.sleep(0.01)
        child.terminate()
        child.join(20)
        print(child.exitcode, flush=True)
        Path("began").touch()
        scheduler.shutdown(wait=False)

    scheduler = BlockingScheduler(timezone="UTC", handle_signals=True)
    scheduler.add_job(fork)
    scheduler.start()
    """
    with program(tmp_path, text) as process:
        printed, _ = process.communicate(timeout=30)

    assert printed.strip() == "-15"


@pytest.mark.parametrize("pool", POOLS)
def test_ctrl_c_without_handlers_leaves_the_scheduler_stopped(tmp_path, pool):
    """KeyboardInterrupt comes out of start(); the run in progress is waited for at the end of the program."""
    text = """
    if __name__ == "__main__":
        scheduler = BlockingScheduler(timezone="UTC", executors={"default": {"type": "POOL", "max_workers": 1}})
        scheduler.add_job(work, args=[0.5])
        try:
            scheduler.start()
        except KeyboardInterrupt:
            print("interrupted", scheduler.running, scheduler.state, flush=True)
    """
    with program(tmp_path, text.replace("POOL", pool)) as process:
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=20)

    assert printed.splitlines() == ["interrupted False 0", "ended"]
    assert said == ""
    assert process.returncode == 0


@pytest.mark.parametrize("pool", POOLS)
def test_a_handler_of_ones_own_may_shut_a_background_scheduler_down(tmp_path, pool):
    """As people do: the handler waits for the runs, and leaves."""
    text = """
    if __name__ == "__main__":
        import signal

        def leave(*_):
            scheduler.shutdown()
            print("shut down", flush=True)
            sys.exit(0)

        signal.signal(signal.SIGTERM, leave)
        scheduler = BackgroundScheduler(timezone="UTC", executors={"default": {"type": "POOL", "max_workers": 1}})
        scheduler.start()
        scheduler.add_job(work, args=[0.5])
        Event().wait()
    """
    with program(tmp_path, text.replace("POOL", pool)) as process:
        process.send_signal(signal.SIGTERM)
        printed, said = process.communicate(timeout=20)

    assert printed.splitlines() == ["ended", "shut down"]
    assert said == ""
    assert process.returncode == 0


def test_worker_processes_of_a_program_with_an_event_loop_keep_their_signals_to_themselves(tmp_path):
    """A forked worker shares no wake-up of the loop: a signal to the worker is none to the program."""
    text = """
    import asyncio, os, signal
    from apscheduler_lite import ProcessPoolExecutor

    def be_ended():
        Path("began").touch()
        os.kill(os.getpid(), signal.SIGTERM)
        Event().wait(20)

    async def main():
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: print("the loop got it", flush=True))
        scheduler = AsyncIOScheduler(
            timezone="UTC", executors={"default": ProcessPoolExecutor(1, {"mp_context": "fork"})}
        )
        scheduler.add_listener(lambda event: (print(event.exception, flush=True), ended.set()), 8192)
        scheduler.add_job(be_ended)
        scheduler.start()
        await ended.wait()
        await scheduler.shutdown()

    asyncio.run(main())
    """
    with program(tmp_path, text) as process:
        printed, _ = process.communicate(timeout=20)

    assert "was killed by signal 15" in printed
    assert "the loop got it" not in printed
