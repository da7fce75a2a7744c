"""What becomes of schedulers and runs when the program ends."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest

from apscheduler_lite.executors.pool import ProcessPoolExecutor
from tests.running import running
from tests.uncovered import uncovered
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

JOB = """
    import time
    from pathlib import Path
    from apscheduler_lite import BackgroundScheduler
    from tests.faults.foreign_stores import LiveStore, StoreDown

    began = Path(__file__).with_name("began")  # now, since Python takes __file__ away when the script has ended

    def job():
        began.touch()
        time.sleep(0.5)
        print("ended", flush=True)
"""


def run_program(tmp_path, *parts):
    """Run the parts as one program and return what it printed on its two outputs."""
    path = tmp_path / "program.py"
    path.write_text("\n".join(dedent(part) for part in parts))
    environment = {**uncovered(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    return done.stdout, done.stderr


@pytest.mark.parametrize("late", [False, True], ids=["at-start", "added-later"])
def test_a_run_on_a_worker_process_ends_before_the_program_does(tmp_path, late):
    """Worker processes are killed at the end of the program; the scheduler has waited for their runs by then."""
    where = "late" if late else "default"
    printed, said = run_program(
        tmp_path,
        JOB,
        f"""
        if __name__ == "__main__":
            executors = {{}} if {late} else {{"default": {{"type": "processpool", "max_workers": 1}}}}
            scheduler = BackgroundScheduler(timezone="UTC", executors=executors)
            scheduler.start()
            if {late}:
                scheduler.add_executor("processpool", "late", max_workers=1)
            scheduler.add_job(job, executor={where!r})
            while not Path(__file__).with_name("began").exists():
                time.sleep(0.01)
            scheduler.shutdown(wait=False)
        """,
    )

    assert printed.split() == ["ended"]
    assert "Error" not in said


def test_a_scheduler_that_fails_at_the_end_spares_the_others(tmp_path):
    """Whatever one scheduler raises at the end of the program, the runs of the others end."""
    printed, said = run_program(
        tmp_path,
        JOB,
        """
        class Failing(BackgroundScheduler):
            def _end_with_interpreter(self):
                raise StoreDown("at the end")

        schedulers = [Failing(timezone="UTC"), BackgroundScheduler(timezone="UTC"), Failing(timezone="UTC")]
        for scheduler in schedulers:
            scheduler.start()
        schedulers[1].add_job(job)
        while not schedulers[1]._runs:
            time.sleep(0.01)
        """,
    )

    assert printed.split() == ["ended"]
    assert said.count("StoreDown: at the end") == 2


def test_the_end_of_the_program_does_not_wait_for_what_a_timeout_has_given_up(tmp_path):
    """A run that shutdown(timeout=...) has given up on dies with the program."""
    printed, said = run_program(
        tmp_path,
        JOB,
        """
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.start()
        scheduler.add_job(time.sleep, args=[3600])
        while not scheduler._runs:
            time.sleep(0.01)
        scheduler.shutdown(timeout=0.1)
        print("the end", flush=True)
        """,
    )

    assert printed.strip() == "the end"
    assert "1 run still in progress" in said


SHARED_JOB = """
    import time
    from pathlib import Path
    from apscheduler_lite import BackgroundScheduler, SQLAlchemyJobStore

    HERE = Path(__file__).parent
    scheduler = BackgroundScheduler(
        timezone="UTC", jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{HERE / 'jobs.db'}")}
    )
"""


def rows_of(tmp_path, statement):
    """Return what a program has left in its database."""
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        return connection.execute(statement).fetchall()


def test_jobs_that_wait_to_be_written_together_are_written_when_the_program_ends(tmp_path):
    """A program that adds jobs one after the other, and ends without another word, has added them all."""
    pytest.importorskip("sqlalchemy")
    _, said = run_program(
        tmp_path,
        SHARED_JOB,
        """
        for number in range(20):
            scheduler.add_job("time:sleep", "interval", days=1, args=[0], id=f"job {number}")
        """,
    )

    assert said == ""
    assert len(rows_of(tmp_path, "SELECT id FROM apscheduler_lite_jobs")) == 20


def test_outcomes_are_written_when_the_program_ends(tmp_path):
    """A program that does not shut its scheduler down leaves no run behind that looks cut."""
    pytest.importorskip("sqlalchemy")
    _, said = run_program(
        tmp_path,
        SHARED_JOB,
        """
        scheduler.start()
        scheduler.add_job("time:sleep", args=[0.2])
        scheduler.add_job("pathlib:Path.touch", args=[HERE / "began"])
        while not (HERE / "began").exists():
            time.sleep(0.01)
        """,
    )

    outcomes = rows_of(tmp_path, "SELECT outcome FROM apscheduler_lite_jobs_runs")
    assert outcomes == [("executed",), ("executed",)], said
    assert rows_of(tmp_path, "SELECT id FROM apscheduler_lite_jobs_schedulers") == []


def test_processes_that_a_job_has_started_are_not_killed_under_it(tmp_path):
    """Although the job was the first to import multiprocessing, which kills them at the end of the program."""
    printed, said = run_program(
        tmp_path,
        """
        import sys
        import time
        from pathlib import Path
        from apscheduler_lite import BackgroundScheduler

        def job():
            import multiprocessing
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=[0.5], daemon=True)
            child.start()
            Path(__file__).with_name("began").touch()
            child.join()
            print("ended", child.exitcode, flush=True)

        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.start()
        assert "multiprocessing.util" not in sys.modules
        scheduler.add_job(job)
        while not Path(__file__).with_name("began").exists():
            time.sleep(0.01)
        """,
    )

    assert printed.split() == ["ended", "0"], said


ENDINGS = {
    "falls off its end": "",
    "leaves": "sys.exit()",
    "has shut down": "scheduler.shutdown()",
    "has shut down without waiting": "scheduler.shutdown(wait=False)",
    "has left the with block": "scheduler.__exit__(None, None, None)",
}


@pytest.mark.parametrize("ending", list(ENDINGS))
@pytest.mark.parametrize("pool", ["threadpool", "processpool"])
def test_a_program_ends_right_after_its_last_run_and_in_silence(tmp_path, pool, ending):
    """However it ends; nothing is left open that the interpreter would warn of."""
    path = tmp_path / "program.py"
    path.write_text(
        dedent(JOB)
        + dedent(f"""
        import sys

        async def nothing():
            pass

        if __name__ == "__main__":
            scheduler = BackgroundScheduler(
                timezone="UTC",
                executors={{"default": {{"type": {pool!r}, "max_workers": 2}}}},
                jobstores={{"kept": {{"type": "sqlalchemy", "url": "sqlite:///{tmp_path}/jobs.sqlite"}}}},
            )
            scheduler.start()
            scheduler.add_job(nothing, jobstore="kept")
            scheduler.add_job(job)
            while not Path(__file__).with_name("began").exists():
                time.sleep(0.01)
            {ENDINGS[ending]}
        """)
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        printed = process.stdout.readline()
        try:
            process.wait(20)  # on an idle machine it takes a tenth of a second
        finally:
            process.kill()
        said = process.stderr.read()

    assert printed == "ended\n"
    assert said == ""
    assert process.returncode == 0


def test_a_worker_process_that_is_reaped_in_the_same_moment_is_let_go_of(monkeypatch):
    """At the end of the program `multiprocessing` waits for its processes, too; whoever comes second finds none."""
    executor = ProcessPoolExecutor(1)
    with running("background", executors={"default": executor}) as scheduler:
        wait_until(lambda: scheduler.add_job(os.getpid) and executor._pool._threads)
        (thread,) = executor._pool._threads
        wait_until(lambda: thread.worker is not None and thread.worker._process is not None)
        process = thread.worker._process

        def refuse():
            raise ValueError("Cannot close a process while it is still running")

        monkeypatch.setattr(process, "close", refuse)

    wait_until(lambda: not thread.is_alive())
    assert not process.is_alive()
