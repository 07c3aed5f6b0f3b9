"""Measure starting, memory and concurrent searches of `resift serve`, beside a bare server of the MCP SDK.

    python -m resift.benchmarks.serving start --rounds 20
    python -m resift.benchmarks.serving imports
    python -m resift.benchmarks.serving memory
    python -m resift.benchmarks.serving throughput --searches 96

Processes are started in turn, so that whatever else the machine does slows down all of them alike.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from resift.tests.hostile.load.traffic import COLLECTION, Caller, HttpCaller, StdioCaller, question, text_of
from resift.tests.server.processes import COMMAND, engine_pid, environment, http_server, stop_engine
from resift.tests.server.processes import resift as run_command

DOCUMENTS = 300
CLIENTS = (1, 4, 8)
AT_ONCE = (1, 2, 4, 8, 16)
READY = "The models are loaded"
POLL_S = 0.005
IMPORTED = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|(\s*)(\S+)")

BARE = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("bare")

@server.tool()
def echo(text: str) -> str:
    return text

server.run()
"""

CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "serving", "version": "0"}}


def seconds_to_tools(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Return the seconds from the start of a server to its answer to `tools/list`."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        lines: list[dict[str, Any]] = [
            {"id": 1, "method": "initialize", "params": CLIENT},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/list", "params": {}},
        ]
        for line in lines:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n")
            process.stdin.flush()
            if "id" in line:
                answer = json.loads(process.stdout.readline())
                assert answer["id"] == line["id"], answer
        return time.perf_counter() - start


def measure_start(rounds: int) -> Table:
    """Start servers and commands in turn, with an engine and without."""
    taken: dict[str, list[float]] = {}

    def note(row: str, act: Callable[[], float]) -> None:
        taken.setdefault(row, []).append(act())

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env, serve = environment(folder), [*COMMAND, "serve"]
        fill(folder)
        for _ in range(rounds):
            stop_engine(folder)
            note("bare SDK server", lambda: seconds_to_tools([sys.executable, "-c", BARE], env))
            started = time.time()
            note("resift serve, no engine", lambda: seconds_to_tools(serve, env))
            client = StdioCaller(folder)  # keeps the engine
            note("until the models are loaded", lambda start=started: seconds_to_models(folder, start))
            note("resift serve, engine runs", lambda: seconds_to_tools(serve, env))
            for command in (["search", "worn pump", "-c", COLLECTION], ["collections"]):
                note(f"resift {command[0]}, engine runs", lambda words=command: seconds_of(folder, words))
            client.close()
            stop_engine(folder)
            for command in (["search", "worn pump", "-c", COLLECTION], ["collections"]):
                note(f"resift {command[0]}, no engine", lambda words=command: seconds_of(folder, words))
                stop_engine(folder)
    return table_of_times(taken, base="bare SDK server")


def seconds_to_models(folder: Path, start: float) -> float:
    """Return the seconds from `start` to when the engine has loaded its models."""
    log = folder / "data" / "logs" / "engine.log"
    while READY not in log.read_text(encoding="utf-8").rpartition("Started, process")[2]:
        time.sleep(POLL_S)
    return time.time() - start


def seconds_of(folder: Path, command: Sequence[str]) -> float:
    """Return how long a command takes."""
    start = time.perf_counter()
    done = run_command(folder, *command)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    return seconds


def fill(folder: Path) -> None:
    """Ingest documents to search."""
    random, client = Random(1), StdioCaller(folder)
    client.ingest({f"d{number}": text_of(f"d{number}", random) for number in range(DOCUMENTS)})
    client.close()


def measure_imports() -> Table:
    """Return what the engine imports before it lists its tools: the SDK, and then what is ours, by package."""
    code = "import gc; gc.disable(); import mcp.server.mcpserver; import resift.server.engine.daemon"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    own: dict[str, float] = {}
    modules: dict[str, int] = {}
    is_ours, sdk_ms, sdk_modules, pending = False, 0.0, 0, list[tuple[str, float]]()
    for self_us, total_us, _, module in IMPORTED.findall(done.stderr):
        pending.append((module, int(self_us) / 1000))
        if module == "mcp.server.mcpserver":
            sdk_ms, is_ours, sdk_modules, pending = int(total_us) / 1000, True, sdk_modules + len(pending), []
    assert is_ours, done.stderr[-500:]
    for module, milliseconds in pending:
        parts = module.split(".")
        key = f"resift.{parts[1]}" if parts[0] == "resift" and len(parts) > 1 else "other libraries"
        own[key], modules[key] = own.get(key, 0.0) + milliseconds, modules.get(key, 0) + 1
    rows = [("the MCP SDK", sdk_modules, sdk_ms)]
    rows += [(key, modules[key], own[key]) for key in sorted(own, key=lambda each: -own[each])]
    table = Table("imported", "modules", "ms")
    for key, count, milliseconds in [*rows, ("all", sum(r[1] for r in rows), sum(r[2] for r in rows))]:
        table.add_row(key, str(count), f"{milliseconds:.0f}")
    return table


def measure_memory() -> Table:
    """Return the memory of the engine and of a relay by the number of clients, each of which has searched."""
    table = Table("clients", "engine RSS MB", "engine Pss MB", "relay RSS MB", "relay Pss MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        random, clients = Random(2), list[StdioCaller]()
        for count in CLIENTS:
            clients += [StdioCaller(folder) for _ in range(count - len(clients))]
            for each in clients:
                for _ in range(5):
                    each.search(question(random))
            engine, relay = engine_pid(folder), clients[-1].server.process.pid
            figures = [memory_mb(pid, key) for pid in (engine, relay) for key in ("Rss", "Pss")]
            table.add_row(str(count), *(f"{figure:.1f}" for figure in figures))
        for each in clients:
            each.close()
        stop_engine(folder)
    return table


def memory_mb(pid: int, key: str) -> float:
    """Return the memory of a process in megabytes: "Rss", or "Pss", which divides what processes share."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(f"{key}:")) / 1000


@dataclass(frozen=True, slots=True)
class Load:
    """How many searches a second so many callers get, and how long each takes."""

    rate: float
    times: list[float]
    cores: float
    """Cores that the engine used on average."""


def measure_throughput(searches: int) -> Table:
    """Return the searches a second of several callers at once, over stdio and HTTP."""
    table = Table("over", "at once", "searches/s", "of one", "p50 ms", "p95 ms", "cores used")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        with http_server(folder) as url:
            for make in (lambda: StdioCaller(folder), lambda: HttpCaller(url)):
                callers: list[Caller] = [make() for _ in range(max(AT_ONCE))]
                search_at_once(callers, searches=32, pid=engine_pid(folder))  # warms up
                alone = 0.0
                for count in AT_ONCE:
                    load = search_at_once(callers[:count], searches=searches, pid=engine_pid(folder))
                    alone = alone or load.rate
                    p50, p95 = (1000 * quantiles(load.times, n=100)[place] for place in (49, 94))
                    ratio, kind = load.rate / alone, callers[0].kind
                    figures = (f"{load.rate:.1f}", f"{ratio:.2f}x", f"{p50:.0f}", f"{p95:.0f}", f"{load.cores:.2f}")
                    table.add_row(kind, str(count), *figures)
                for each in callers:
                    each.close()
    return table


def search_at_once(callers: Sequence[Caller], *, searches: int, pid: int) -> Load:
    """Search with all callers at once; each makes its share of the searches."""
    times, before, start = list[float](), cpu_seconds(pid), time.perf_counter()

    def work(caller: Caller, seed: int) -> None:
        random = Random(seed)
        for _ in range(searches // len(callers)):
            begun = time.perf_counter()
            caller.search(question(random))
            times.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work, args=(each, time.time_ns() + n)) for n, each in enumerate(callers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    seconds = time.perf_counter() - start
    return Load(len(times) / seconds, times, cores=(cpu_seconds(pid) - before) / seconds)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table_of_times(taken: Mapping[str, Sequence[float]], *, base: str) -> Table:
    """Return a table of medians, and their ratio to a row."""
    table = Table("", "median s", "least s", "of the bare server")
    for row, times in taken.items():
        table.add_row(row, f"{median(times):.3f}", f"{min(times):.3f}", f"{median(times) / median(taken[base]):.2f}")
    return table


def main() -> None:
    """Run the measurement that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", choices=["start", "imports", "memory", "throughput"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--searches", type=int, default=96)
    arguments = parser.parse_args()
    tables: dict[str, Callable[[], Table]] = {
        "start": lambda: measure_start(arguments.rounds),
        "imports": measure_imports,
        "memory": measure_memory,
        "throughput": lambda: measure_throughput(arguments.searches),
    }
    Console().print(tables[arguments.measurement]())


if __name__ == "__main__":
    main()
