"""What other processes left is taken over, given up or removed; what cannot be read is told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resift.core.errors import NotFound, StoreError
from resift.ingest.jobs.folder import JobFolder
from resift.ingest.jobs.live import LiveJob
from resift.ingest.jobs.record import JobState, KeptError
from resift.ingest.jobs.runner import JobRunner
from resift.store.gate import Gate
from resift.tests.ingest.jobs.running import LONG_S, WHEN, asked, keep, record, runner_of

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def test_job_that_ends_the_engine_three_times_without_getting_further_is_given_up(tmp_path: Path) -> None:
    care = runner_of(tmp_path).care
    crashed = record(state=JobState.RUNNING, documents=500, message="500 of 2,000 documents")
    for crashes in (1, 2):
        keep(tmp_path, crashed)
        [job] = await care.left_by_others([])
        assert (job.record.state, job.record.crashes, job.record.documents_before) == (JobState.QUEUED, crashes, 500)
        job.leave()
        job.note(state=JobState.RUNNING)
        crashed = job.record
    keep(tmp_path, crashed)
    assert await care.left_by_others([]) == []
    given_up = await runner_of(tmp_path).read(crashed.id)
    assert given_up.state is JobState.FAILED
    assert given_up.error is not None
    assert given_up.error.message.startswith("The engine ended 3 times while it worked on this job, last here: 500 of")


async def test_job_that_gets_further_each_time_is_resumed_again_and_again(tmp_path: Path) -> None:
    care = runner_of(tmp_path).care
    for documents in (10, 20, 30, 40, 50):
        before = documents - 10
        keep(tmp_path, record(state=JobState.RUNNING, documents=documents, documents_before=before, crashes=2))
        [job] = await care.left_by_others([])
        assert (job.record.crashes, job.record.documents_before) == (1, documents)
        job.leave()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "Expecting value"),
        ("[]", "it is not an object"),
        (json.dumps({"version": 2}), "its version is 2, and this Resift reads 1"),
        (json.dumps({"version": 1, "id": "0123456789ab"}), "collection: Field required"),
    ],
)
async def test_record_that_cannot_be_read_is_told_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, why: str
) -> None:
    keep(tmp_path, record())
    path = tmp_path / "jobs" / "0123456789ab.json"
    path.write_text(content)
    runner = runner_of(tmp_path)
    assert await runner.care.left_by_others([]) == await runner.care.left_by_others([]) == []
    assert caplog.text.count(why) == 1
    with pytest.raises(StoreError, match="cannot be used"):
        await runner.read("0123456789ab")
    assert path.read_text() == content


async def test_job_whose_request_is_gone_is_kept_as_failed(tmp_path: Path) -> None:
    keep(tmp_path, record())
    (tmp_path / "jobs" / "0123456789ab.request").unlink()
    runner = runner_of(tmp_path)
    assert await runner.care.left_by_others([]) == []
    failed = await runner.read("0123456789ab")
    assert failed.error is not None
    assert (failed.state, "cannot be read" in failed.error.message) == (JobState.FAILED, True)


async def test_ended_jobs_are_removed_after_a_day_and_beyond_fifty(tmp_path: Path) -> None:
    old = (NOW - timedelta(days=1, seconds=1)).isoformat()
    keep(tmp_path, record("aaaaaaaaaaaa", state=JobState.DONE, ended=old))
    for number in range(52):
        ended = (NOW - timedelta(minutes=number)).isoformat()
        keep(tmp_path, record(f"{number:012d}", state=JobState.FAILED, ended=ended))
    runner = JobRunner(JobFolder(tmp_path / "jobs"), Gate(), now=lambda: NOW)
    assert await runner.care.left_by_others([]) == []
    assert [each.id for each in await runner.all()] == [f"{number:012d}" for number in range(50)]
    assert {each.name[:12] for each in (tmp_path / "jobs").iterdir()} == {f"{number:012d}" for number in range(50)}


async def test_request_without_a_record_is_removed(tmp_path: Path) -> None:
    keep(tmp_path, record())
    (tmp_path / "jobs" / "0123456789ab.json").unlink()
    assert await runner_of(tmp_path).care.left_by_others([]) == []
    assert list((tmp_path / "jobs").iterdir()) == []


async def test_job_that_has_ended_meanwhile_is_not_written_again(tmp_path: Path) -> None:
    job = LiveJob(record(state=JobState.DONE, ended=WHEN), asked())
    job.leave()
    await runner_of(tmp_path).care.look_after(job)
    assert job.lock is None
    assert not (tmp_path / "jobs").exists()


async def test_job_that_cannot_be_cancelled_because_its_record_is_away_is_not_held(tmp_path: Path) -> None:
    keep(tmp_path, record())
    runner = runner_of(tmp_path)
    in_the_way = tmp_path / "jobs" / "0123456789ab.json"
    content = in_the_way.read_bytes()
    in_the_way.unlink()
    with pytest.raises(NotFound) as caught:
        await runner.cancel(record(), wait_s=LONG_S)
    assert caught.value.__traceback__  # which keeps alive what was not released
    in_the_way.write_bytes(content)
    assert (await runner.cancel(record(), wait_s=LONG_S)).state is JobState.CANCELLED


@pytest.mark.parametrize("job_id", ["0123456789ab", "../../secret", "", "\ud800"])
async def test_unknown_job_is_not_found(tmp_path: Path, job_id: str) -> None:
    with pytest.raises(NotFound):
        await runner_of(tmp_path).read(job_id)


def test_error_of_a_later_version_keeps_its_message() -> None:
    error = KeptError(kind="NewError", message="The disk is full.", hint="NEW").restored()
    assert "The disk is full." in str(error)
