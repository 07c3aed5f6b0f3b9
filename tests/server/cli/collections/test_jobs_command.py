"""`resift jobs`, and `resift ingest --background`, without an engine."""

from pathlib import Path

import pytest

from resift.ingest.jobs.record import JobState, KeptError
from resift.ingest.report import Failure, IngestReport
from resift.settings.location import data_dir
from resift.tests.ingest.jobs.running import LONG_S, Work, keep, record, runner_of, serving
from resift.tests.server.in_process import Run

JOB = "0123456789ab"


@pytest.fixture
def kept(run: Run) -> Path:
    """The folder with the data folder `jobs` of the commands, which the fixture `run` sets."""
    return data_dir()


def test_without_jobs_the_list_says_so(run: Run) -> None:
    assert run("jobs") == (0, "No jobs.\n", "")


def test_jobs_are_listed_with_their_problems(run: Run, kept: Path) -> None:
    error = KeptError(kind="NotFound", message="No collection 'x'.", hint="LIST_COLLECTIONS")
    keep(kept, record(JOB, state=JobState.FAILED, error=error))
    keep(kept, record("cccccccccccc", state=JobState.RUNNING, permille=250, message="Reading"))
    shown = run("jobs").out
    assert all(each in shown for each in (JOB, "failed", "Run `resift collections`", "running 25 %", "Reading"))
    listed = run("jobs", "--json").json
    assert [(each["id"], each["state"], each["percent"]) for each in listed] == [
        (JOB, "failed", 0),
        ("cccccccccccc", "running", 25),
    ]


def test_job_that_no_engine_works_on_is_cancelled(run: Run, kept: Path) -> None:
    keep(kept, record(JOB))
    assert run("jobs", "cancel", JOB).out == f"{JOB}: cancelled\n"
    assert run("jobs", "cancel", JOB, "--json").json["state"] == "cancelled"


def test_waiting_for_a_job_that_is_done_prints_its_report(run: Run, kept: Path) -> None:
    report = IngestReport(added=3, passages=4, failures=(Failure("a.pdf", "It is encrypted."),))
    keep(kept, record(JOB, state=JobState.DONE, report=report))
    ended = run("jobs", "wait", JOB)
    assert "3 added, 0 updated, 0 unchanged, 0 removed, 1 failed; 4 passages written." in ended.out
    assert "failed: a.pdf: It is encrypted." in ended.err
    assert ended.code == 1
    assert run("jobs", "wait", JOB, "--json").json["report"]["failures"] == [
        {"source": "a.pdf", "reason": "It is encrypted."}
    ]
    assert "1 failure" in run("jobs").out


def test_counts_of_a_job_say_what_was_renamed(run: Run, kept: Path) -> None:
    keep(kept, record(JOB, state=JobState.DONE, report=IngestReport(renamed=2)))
    assert "0 updated, 2 renamed, 0 unchanged" in run("jobs", "wait", JOB).out


def test_waiting_for_a_job_that_failed_fails(run: Run, kept: Path) -> None:
    keep(kept, record(JOB, state=JobState.FAILED, error=KeptError(kind="StoreError", message="The disk is full.")))
    ended = run("jobs", "wait", JOB)
    assert (ended.code, ended.out) == (1, f"{JOB}: failed: The disk is full.\n")


def test_waiting_for_a_job_that_nothing_works_on_says_what_to_do(
    run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resift.server.cli.collections.jobs.NEXT_ENGINE_S", 0.5)
    keep(kept, record(JOB))
    ended = run("jobs", "wait", JOB)
    assert ended.code == 1
    assert f"Nothing works on the job {JOB}: it is queued, and no engine runs for the data folder" in ended.err
    assert f"Or cancel it: resift jobs cancel {JOB}\n" in ended.err


@pytest.mark.anyio
async def test_job_is_waited_for_while_a_process_works_on_it(tmp_path: Path) -> None:
    keep(tmp_path, record(JOB))
    runner = runner_of(tmp_path)
    assert not await runner.has_worker(record(JOB))
    lock = runner.care.folder.take(JOB)
    assert lock is not None
    assert await runner_of(tmp_path).has_worker(record(JOB))
    lock.release()
    async with serving(tmp_path, Work()) as other:
        assert await other.has_worker(record(JOB))


@pytest.mark.anyio
async def test_progress_of_a_job_of_another_process_is_told_in_percent(tmp_path: Path) -> None:
    keep(tmp_path, record(JOB, state=JobState.RUNNING, permille=250))
    told: list[tuple[float, int, str]] = []

    async def tell(done: float, total: int, message: str) -> None:
        told.append((done, total, message))
        keep(tmp_path, record(JOB, state=JobState.DONE))

    await runner_of(tmp_path).follow(record(JOB, state=JobState.RUNNING, permille=250), wait_s=LONG_S, progress=tell)
    assert told == [(25.0, 100, "running, 25 %")]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("cancel",), 2, "needs the id of a job"),
        (("list", JOB), 2, "takes no job"),
        (("cancel", JOB), 1, "Run `resift jobs` to see which there are."),
    ],
)
def test_job_that_is_not_there_or_not_named_is_refused(
    run: Run, arguments: tuple[str, ...], code: int, told: str
) -> None:
    refused = run("jobs", *arguments)
    assert (refused.code, told in " ".join(refused.err.split())) == (code, True), refused.err


def test_ingestion_in_the_background_needs_an_engine(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pump.md").write_text("The pump hums.", encoding="utf-8")
    refused = run("ingest", str(tmp_path / "pump.md"), "--background")
    assert refused.code == 1
    assert "No engine runs for the data folder" in refused.err
