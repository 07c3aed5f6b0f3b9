"""Use one engine in every way at once, search for long, and kill the engine under load; count what goes wrong.

    python -m resift.benchmarks.soak mixed --seconds 60
    python -m resift.benchmarks.soak memory --searches 20000
    python -m resift.benchmarks.soak kills --kills 50

Each ends with an error if a call fails, or if a document that was acknowledged is missing or there twice.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles

import anyio
from rich.console import Console
from rich.table import Table

from resift.benchmarks.serving import fill, memory_mb, search_at_once
from resift.tests.hostile.load.test_engine_kills import kill_under_load
from resift.tests.hostile.load.traffic import (
    Caller,
    Counter,
    HttpCaller,
    StdioCaller,
    Tally,
    TerminalCaller,
    acknowledged,
    drive,
    stored,
)
from resift.tests.server.processes import engine_pid, http_server, stop_engine

STDIO_CLIENTS, HTTP_CLIENTS, KILLED_CLIENTS = 8, 16, 4
STEPS = 20  # memory is read so often
MOST_GROWTH = 0.05


def mixed(folder: Path, seconds: float) -> Table:
    """Search and ingest with clients of every kind at once, with commands of the terminal beside them."""
    with http_server(folder, {"RESIFT_HTTP__REQUESTS_PER_MINUTE": "0"}) as url:
        callers: list[Caller] = [StdioCaller(folder) for _ in range(STDIO_CLIENTS)]
        callers += [HttpCaller(url) for _ in range(HTTP_CLIENTS)]
        callers.append(TerminalCaller(folder))
        end = time.monotonic() + seconds
        told = drive(callers, are_done=lambda _: time.monotonic() > end, counter=Counter())
        for each in callers:
            each.close()
    stop_engine(folder)
    check(folder, told, is_complete=True)
    return table_of_calls(told)


def table_of_calls(told: Sequence[Tally]) -> Table:
    """Return how many calls were answered, and how fast, by the kind of caller."""
    taken: dict[tuple[str, str], list[float]] = {}
    for tally in told:
        for action, seconds in tally.seconds.items():
            taken.setdefault((tally.kind, action), []).extend(seconds)
    table = Table("caller", "action", "calls", "p50 s", "p95 s")
    for (kind, action), times in sorted(taken.items()):
        p95 = quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
        table.add_row(kind, action, str(len(times)), f"{median(times):.2f}", f"{p95:.2f}")
    table.add_row("all", "documents acknowledged", str(len(acknowledged(told))), "", "")
    return table


def kills(folder: Path, number: int) -> Table:
    """Kill the engine again and again while clients work."""
    clients = [StdioCaller(folder) for _ in range(KILLED_CLIENTS)]
    told = kill_under_load(folder, clients, kills=number)
    for each in clients:
        each.search("Which pump shows a sign of wear?")
        each.close()
    stop_engine(folder)
    check(folder, told, is_complete=False)
    table = Table("kills", "clients that went on", "calls", "calls interrupted", "documents kept")
    calls = sum(len(times) for tally in told for times in tally.seconds.values())
    interrupted = sum(len(tally.interrupted) for tally in told)
    table.add_row(*map(str, (number, len(clients), calls, interrupted, len(acknowledged(told)))))
    return table


def memory(folder: Path, searches: int) -> Table:
    """Search many times, and read the memory of the engine in between."""
    fill(folder)
    clients = [StdioCaller(folder, tool="search_and_rerank" if each == 0 else "hybrid_search") for each in range(4)]
    table, first, last = Table("searches", "RSS MB", "Pss MB"), 0.0, 0.0
    step = max(searches // STEPS, 1)
    for done in range(step, searches + 1, step):
        search_at_once(clients, searches=step, pid=engine_pid(folder))
        last = memory_mb(engine_pid(folder), "Rss")
        first = first or last
        table.add_row(f"{done:,}", f"{last:.1f}", f"{memory_mb(engine_pid(folder), 'Pss'):.1f}")
    for each in clients:
        each.close()
    stop_engine(folder)
    table.caption = f"growth after the first {step:,}: {last / first - 1:.1%}"
    if last / first - 1 > MOST_GROWTH:
        raise AssertionError(table.caption)
    return table


def check(folder: Path, told: Sequence[Tally], *, is_complete: bool) -> None:
    """Check that every acknowledged document is there once; if `is_complete`, that there are no others."""
    found, promised = anyio.run(stored, folder), acknowledged(told)
    if lost := promised - found.documents:
        raise AssertionError(f"lost: {sorted(lost)}")
    if found.passages != len(found.documents):
        raise AssertionError(f"{found.passages} passages of {len(found.documents)} documents")
    if is_complete and found.documents - promised:
        raise AssertionError(f"never acknowledged: {sorted(found.documents - promised)}")
    if threading.active_count() > 1:
        raise AssertionError("a caller has not ended")


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["mixed", "memory", "kills"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--searches", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=50)
    arguments = parser.parse_args()
    runs: dict[str, Callable[[Path], Table]] = {
        "mixed": lambda folder: mixed(folder, arguments.seconds),
        "memory": lambda folder: memory(folder, arguments.searches),
        "kills": lambda folder: kills(folder, arguments.kills),
    }
    with tempfile.TemporaryDirectory() as folder:
        Console().print(runs[arguments.what](Path(folder)))


if __name__ == "__main__":
    main()
