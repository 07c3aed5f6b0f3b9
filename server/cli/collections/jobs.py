"""`resift jobs`: ingestion in the background, seen, awaited and cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import anyio
import typer
from anyio import from_thread

from ....core.errors import InvalidInput, Unavailable
from ....core.text import counted
from ....settings.location import data_dir
from ...relay.maintenance import is_engine_alive
from ..command import ENGINE, AsJson
from ..console import HINTS, note, print_json, progress_bar, say, show
from ..ingest_report import print_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from ....api.background import Background
    from ....ingest.jobs.record import JobRecord

NO_ENGINE = (
    "No engine runs for the data folder with these settings, so nothing could go on in the background. Leave "
    "--background out, or start an engine: MCP clients and `resift serve --http` do."
)

NOBODY_WORKS = (
    "Nothing works on the job {job}: it is {state}, and no engine runs for the data folder with these settings. Start "
    "one, which goes on with the job: MCP clients and `resift serve --http` do. Or cancel it: resift jobs cancel {job}"
)

CHECK_EVERY_S = 10.0  # whether a process still works on the job that is waited for

NEXT_ENGINE_S = 20.0  # for another engine to be started, where none works on the job

LOOK_EVERY_S = 0.25  # whether there is one

T = TypeVar("T")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class JobAction(StrEnum):
    """What to do about a job."""

    LIST = "list"
    WAIT = "wait"
    CANCEL = "cancel"


@app.command()
def jobs(
    action: Annotated[JobAction, typer.Argument(help="list, wait or cancel.")] = JobAction.LIST,
    job_id: Annotated[str, typer.Argument(metavar="[ID]", help="The job to wait for or to cancel.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the jobs that ingest in the background, wait for one, or cancel it."""
    if (action is JobAction.LIST) == bool(job_id):
        needed = "takes no job" if job_id else "needs the id of a job, which `resift jobs` shows"
        raise typer.BadParameter(f"`resift jobs {action}` {needed}.")
    if action is JobAction.LIST:
        _list(on_jobs(lambda background: background.all()), as_json=as_json)
        return
    waits = action is JobAction.WAIT
    record = on_jobs(lambda background: _wait(background, job_id) if waits else background.cancel(job_id))
    if as_json:
        print_json({**_entry(record), "report": None if record.report is None else asdict(record.report)})
    elif record.report is not None and str(record.state) == "done":
        print_report(record.report, record.collection)
    else:
        say(_in_a_line(record))
    if record.error is not None or (record.report is not None and record.report.failures):
        raise typer.Exit(1)


def on_jobs(call: Callable[[Background], Awaitable[T]], *, needs_engine: bool = False) -> T:
    """Return the result of a call on the jobs of the engine in which this runs, or on what lies in the data folder.

    Raises:
        InvalidInput: An engine is needed, and this runs in none.
    """
    from ....api.background import Background
    from ....api.resift import Resift

    async def run() -> T:
        return await call(Background(Resift(engine=engine)))

    if (engine := ENGINE.get()) is not None:
        return from_thread.run(run)
    if needs_engine:
        raise InvalidInput(NO_ENGINE)
    from ....factories.engine import build_engine
    from ....settings.load import load_settings

    engine = build_engine(load_settings())  # it opens nothing before it is used
    return anyio.run(run)


async def _wait(background: Background, job_id: str) -> JobRecord:
    """Return the job when it has ended.

    Raises:
        Unavailable: No process works on it, and no engine runs that would.
    """
    record = await background.find(job_id)
    alone_s = 0.0
    with progress_bar("Ingesting") as progress:
        while not record.has_ended:
            if not await background.has_worker(record) and not is_engine_alive(data_dir()):
                if alone_s >= NEXT_ENGINE_S:
                    raise Unavailable(NOBODY_WORKS.format(job=record.id, state=record.state))
                await anyio.sleep(LOOK_EVERY_S)
                alone_s += LOOK_EVERY_S
                record = await background.find(job_id)  # it may have ended just now
                continue
            alone_s = 0.0
            record = await background.wait(job_id, progress=progress, wait_s=CHECK_EVERY_S)
            if background.is_stopping and not record.has_ended:
                await anyio.sleep_forever()  # the engine ends this, and the command goes on in a process of its own
    return record


def begin(arguments: Mapping[str, Any], *, as_json: bool) -> None:
    """Begin a job in the engine, and print its id.

    Raises:
        InvalidInput: This runs in no engine, or nothing is to be done.
    """
    if arguments["dry_run"]:
        raise typer.BadParameter("--dry-run prints what would be done: leave --background out.")
    from ....ingest.jobs.record import JobRecord

    found = on_jobs(lambda jobs: jobs.ingest(arguments, wait_s=0, outlives_call=True), needs_engine=True)
    if not isinstance(found, JobRecord):
        raise InvalidInput(NO_ENGINE)
    record = found
    if as_json:
        print_json(_entry(record))
        return
    say(record.id)
    note(f"The job ingests in the background. `resift jobs` shows it; `resift jobs cancel {record.id}` stops it.")


def _list(records: Sequence[JobRecord], *, as_json: bool) -> None:
    if as_json:
        print_json([_entry(each) for each in records])
    elif records:
        show(_table(records))
    else:
        say("No jobs.")


def _entry(record: JobRecord) -> dict[str, object]:
    from ....tools.background_jobs import job_entry

    return job_entry(record, HINTS)


def _table(records: Sequence[JobRecord]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("job", "collection", "what", "state", "progress or problem", "since")
    for each in records:
        progress = _problem(each) or each.message
        state = f"{each.state} {each.permille / 10:.0f} %" if each.permille and not each.has_ended else str(each.state)
        table.add_row(each.id, each.collection, escape(each.what), state, escape(progress), each.created[:19])
    return table


def _in_a_line(record: JobRecord) -> str:
    return f"{record.id}: {record.state}{f': {problem}' if (problem := _problem(record)) else ''}"


def _problem(record: JobRecord) -> str:
    if record.error is not None:
        return record.error.restored().text(HINTS)
    return counted(len(record.report.failures), "failure") if record.report and record.report.failures else ""
