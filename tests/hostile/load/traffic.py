"""Callers that search and ingest at once, over every way into one engine, and what was acknowledged to each."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

import httpx2

from resift.api.resift import Resift
from resift.server.relay.conversation import LOST
from resift.tests.hostile.server_process import HANG_S, Fault, ServerProcess
from resift.tests.server.processes import resift as run_command

COLLECTION = "traffic"
INGESTIONS = 0.25  # of all calls
SUBJECTS = ("pump", "lamp", "radar", "brake", "gearbox", "antenna", "kettle", "turbine", "ladder", "compass", "sail")


class Interrupted(Exception):
    """The engine was killed while it worked on a call."""


class Caller(Protocol):
    """A program that uses the engine. Its methods raise `Fault` if a call fails."""

    kind: str

    def search(self, query: str) -> None:
        """Search once."""
        ...

    def ingest(self, texts: dict[str, str]) -> list[str]:
        """Ingest texts by id in one call; return the ids under which they are stored."""
        ...

    def close(self) -> None:
        """End, and check that nothing went wrong."""
        ...


class StdioCaller:
    """An MCP client of `resift serve`."""

    kind = "stdio"

    def __init__(self, folder: Path, *, tool: str = "search_and_rerank") -> None:
        self.server = ServerProcess(folder, options=())
        self._tool = tool

    def search(self, query: str) -> None:
        """Search once."""
        self._call(self._tool, {"query": query, "collection": COLLECTION})

    def ingest(self, texts: dict[str, str]) -> list[str]:
        """Ingest texts in one call."""
        documents = [{"id": key, "text": text} for key, text in texts.items()]
        check_added(self._call("ingest_documents", {"documents": documents, "collection": COLLECTION}), len(texts))
        return list(texts)

    def _call(self, tool: str, arguments: dict[str, Any]) -> Any:
        reply = self.server.call(tool, arguments)
        if reply.message.get("error", {}).get("message") == LOST:
            raise Interrupted
        return reply.value

    def close(self) -> None:
        """Close stdin, and check that the server ends with success."""
        with self.server:
            self.server.finish()


class HttpCaller:
    """A program that uses the plain HTTP API of `resift serve --http`."""

    kind = "HTTP"

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url.removesuffix("/mcp"), timeout=HANG_S)

    def search(self, query: str) -> None:
        """Search once."""
        self._post("/v1/search", {"query": query, "collection": COLLECTION})

    def ingest(self, texts: dict[str, str]) -> list[str]:
        """Ingest texts in one request."""
        documents = [{"id": key, "text": text} for key, text in texts.items()]
        check_added(self._post("/v1/documents", {"documents": documents, "collection": COLLECTION}), len(texts))
        return list(texts)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        response = self._client.post(path, json=body)
        if response.status_code != 200:
            raise Fault(f"{path}: {response.status_code} {response.text[:500]}")
        return response.json()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class TerminalCaller:
    """A person who types commands in `folder`."""

    kind = "terminal"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def search(self, query: str) -> None:
        """Search once."""
        self._run("search", query, "-c", COLLECTION, "--json")

    def ingest(self, texts: dict[str, str]) -> list[str]:
        """Ingest texts as files, with one command."""
        paths = [self._folder / f"{key}.md" for key in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        check_added(json.loads(self._run("ingest", *map(str, paths), "-c", COLLECTION, "--json")), len(texts))
        return list(map(str, paths))

    def _run(self, *arguments: str) -> str:
        done = run_command(self._folder, *arguments)
        if done.returncode:
            raise Fault(f"{arguments[0]} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout

    def close(self) -> None:
        """Do nothing: each command is a process of its own."""


def check_added(report: dict[str, Any], documents: int) -> None:
    """Check that all documents of a call were added."""
    if report["added"] != documents:
        raise Fault(f"{documents} documents came, and the reply is {report}")


@dataclass(frozen=True, slots=True)
class Tally:
    """What one caller was told."""

    kind: str
    acknowledged: list[str] = field(default_factory=list[str])
    interrupted: list[str] = field(default_factory=list[str])
    """The calls that a kill interrupted."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict[str, list[float]](list))
    """By "search" and "ingest"."""


class Counter:
    """Counts the calls of all callers that succeeded."""

    def __init__(self) -> None:
        self.calls = 0
        self._changed = threading.Condition()

    def count(self) -> None:
        """Count a call."""
        with self._changed:
            self.calls += 1
            self._changed.notify_all()

    def wait_for(self, more: int) -> None:
        """Return when so many more calls have succeeded.

        Raises:
            Fault: They do not.
        """
        with self._changed:
            end = self.calls + more
            if not self._changed.wait_for(lambda: self.calls >= end, timeout=2 * HANG_S):
                raise Fault(f"no more calls are answered after {self.calls}")


def drive(callers: Sequence[Caller], *, are_done: Callable[[int], bool], counter: Counter) -> list[Tally]:
    """Let all callers call at once, each until `are_done(calls of it)`; return what each was told."""
    with ThreadPoolExecutor(len(callers)) as pool:
        works = [pool.submit(_work, caller, number, are_done, counter) for number, caller in enumerate(callers)]
        return [work.result() for work in works]


def _work(caller: Caller, number: int, are_done: Callable[[int], bool], counter: Counter) -> Tally:
    random, tally, calls = Random(number), Tally(caller.kind), 0
    while not are_done(calls):
        action = "ingest" if not calls or random.random() < INGESTIONS else "search"
        name = f"{caller.kind}-{number}-{calls}"
        calls += 1
        start = time.perf_counter()
        try:
            if action == "ingest":
                tally.acknowledged.extend(caller.ingest(_texts(name, random)))
            else:
                caller.search(question(random))
        except Interrupted:
            tally.interrupted.append(name)
            continue
        tally.seconds[action].append(time.perf_counter() - start)
        counter.count()
    return tally


def question(random: Random) -> str:
    """Return a question that was hardly asked before."""
    return f"Which sign of wear does the {random.choice(SUBJECTS)} of unit {random.randrange(100_000)} show?"


def _texts(name: str, random: Random) -> dict[str, str]:
    return {f"{name}-{each}": text_of(f"{name}-{each}", random) for each in range(random.randint(1, 3))}


def text_of(name: str, random: Random) -> str:
    """Return a text of one passage."""
    subject = random.choice(SUBJECTS)
    return (
        f"The {subject} of unit {name} shows sign {random.randrange(100)} of wear. Check its bolts, grease its seat "
        f"and note the torque of {random.randrange(1000)} newton metres before you close the housing again."
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """The documents of the collection, and the number of its passages."""

    documents: frozenset[str]
    passages: int


async def stored(folder: Path) -> Stored:
    """Return what the data folder holds; no engine may run."""
    async with Resift(data_dir=folder / "data") as resift:
        collection = await resift.services.store.open(COLLECTION)
        entries = await collection.entries()
        return Stored(frozenset(entries), await collection.count())


def acknowledged(tallies: Iterable[Tally]) -> set[str]:
    """Return the documents that were acknowledged to any caller."""
    return {name for tally in tallies for name in tally.acknowledged}
