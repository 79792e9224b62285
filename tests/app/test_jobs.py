import sys
import threading
import time

import pytest

from app.demo import Sources
from app.jobs import MAX_WAITING, Job, Jobs, JobState
from cmae.errors import InputError


@pytest.fixture
def sources(tmp_path):
    return Sources(tmp_path / "run", tmp_path / "cohort", tmp_path / "latents.h5")


def script(text):
    return [sys.executable, "-c", text]


TELLING = """
import json
for done in (0, 3, 4):
    print(json.dumps({"what": "Encoding", "done": done, "total": 4}), flush=True)
print("no JSON")
"""
ENDLESS = """
import json, time
print(json.dumps({"what": "Encoding", "done": 1, "total": 4}), flush=True)
time.sleep(600)
"""


def wait_for(is_so):
    for _ in range(1500):
        if is_so():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen in 30 seconds")


def test_a_job_tells_how_far_it_has_come_and_ends(sources):
    job = Job(sources, script(TELLING))
    job.run()
    assert job.state.phase == "done"
    assert (job.state.what, job.state.done, job.state.total) == ("Encoding", 4, 4)
    assert job.state.share == 1
    assert not job.is_running


def test_a_failure_is_the_sentence_that_the_process_said(sources):
    job = Job(sources, script("import sys; sys.stderr.write('The disk is full.\\n'); sys.exit(2)"))
    job.run()
    assert job.state.phase == "failed"
    assert job.state.error == "The disk is full."


def test_a_fault_of_the_program_shows_no_traceback(sources):
    job = Job(sources, script("raise ValueError('participant 123')"))
    job.run()
    assert job.state.phase == "failed"
    assert "123" not in job.state.error
    assert "ended with code 1" in job.state.error


def test_a_stopped_job_ends_its_process(sources):
    job = Job(sources, script(ENDLESS))
    thread = threading.Thread(target=job.run)
    thread.start()
    wait_for(lambda: job.state.done == 1)
    job.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert job.state.phase == "stopped"


def test_who_asks_for_the_same_gets_the_same_job_and_others_wait_their_turn(tmp_path):
    gate, began = threading.Event(), []

    class Slow(Job):
        def run(self):
            began.append(self.sources.latents.name)
            self.state = JobState("running")
            gate.wait(30)
            self.state = JobState("done")

    jobs = Jobs(Slow)
    first, second = (
        Sources(tmp_path / "run", tmp_path / "cohort", tmp_path / name) for name in ("a", "b")
    )
    job = jobs.ask(first)
    assert jobs.ask(first) is job
    other = jobs.ask(second)
    wait_for(lambda: began == ["a"])
    assert other.state.phase == "waiting"
    assert jobs.running() == [job, other]
    gate.set()
    wait_for(lambda: not jobs.running())
    assert began == ["a", "b"]
    assert jobs.find(first) is job
    assert jobs.ask(first) is not job


def test_too_many_that_wait_are_refused(tmp_path):
    gate = threading.Event()

    class Slow(Job):
        def run(self):
            gate.wait(30)
            self.state = JobState("done")

    jobs = Jobs(Slow)

    def ask(number):
        return jobs.ask(Sources(tmp_path / "run", tmp_path / "cohort", tmp_path / f"{number}.h5"))

    for number in range(MAX_WAITING + 1):
        ask(number)
    with pytest.raises(InputError, match="waiting already"):
        ask(99)
    gate.set()
    wait_for(lambda: not jobs.running())
