"""Whatever a document does to the process that parses it, it costs that document only, and the reason says so."""

import os
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from itertools import repeat
from pathlib import Path
from zipfile import ZipFile

import pytest

from resift.core.errors import Unavailable
from resift.ingest.parsing import Part, parse_file
from resift.ingest.processes.deadlines import Deadlines
from resift.ingest.processes.limits import Limits
from resift.ingest.processes.pool import ParserPool
from resift.ingest.processes.worker import Worker

CODE = '"""A wheel."""\n\nclass Wheel:\n    def spin(self):\n        return 1\n' * 20
FILES: dict[str, bytes | str] = {
    "a.md": b"---\ntags: [a, b]\nyear: 2024\n---\n# Wheels\n\nThey spin.\n\n## Axles\n\n```\ncode\n```\n",
    "a.html": "<title>Wheels</title><h1>Caf\u00e9</h1><p>They spin.<ul><li>fast</ul>".encode(),
    "a.py": CODE.encode(),
    "bad.txt": b"ab\0c",
    "blank.txt": b" \n",
    "names/\udcff.txt": "It has a name that is not UTF-8.".encode("utf-16"),
    "": "# A text without a source\n\nIt spins.\n",
    "b.pdf": "A text with the suffix of a binary format.",
    "surrogate": "half \ud83d of a pair",
}


ASKED = 4  # deadlines: of the start, of the file, of its parser, and the one that this asks for


class HeldDeadlines(Deadlines):
    """Deadlines that come when the test says so, however late."""

    def __init__(self, *, spared: int = -1) -> None:
        super().__init__()
        self.spared = spared
        self.longest_s = 0.0
        self._acts: list[Callable[[], None]] = []

    def set(self, key: Hashable, seconds: float, act: Callable[[], None]) -> None:
        self._acts.append(act)
        self.longest_s = max(self.longest_s, seconds)
        self.spared -= 1
        if self.spared == 0:
            self.fire()

    def fire(self) -> None:
        for act in self._acts:
            act()


def plain(part: Part) -> Part:
    """Return a part whose sequences have the types that JSON has."""
    if part.parsed is None:
        return part
    lists = {name: list(getattr(part.parsed, name)) for name in ("lines", "line_numbers", "page_numbers")}
    return replace(part, parsed=replace(part.parsed, **lists, metadata=dict(part.parsed.metadata)))


def problem(pool: ParserPool, text: str, source: str = "a.hostile") -> str:
    [part] = pool.parse(source, text.encode())
    assert part.parsed is None
    return part.problem


def text(pool: ParserPool, action: str) -> str:
    [part] = pool.parse("a.hostile", action.encode())
    assert part.parsed is not None, part.problem
    return "\n".join(part.parsed.lines)


@pytest.mark.parametrize("source", FILES)
def test_process_returns_what_the_parser_returns_here(pool: ParserPool, source: str) -> None:
    assert [plain(part) for part in pool.parse(source, FILES[source])] == [
        plain(part) for part in parse_file(source, FILES[source])
    ]


def test_crash_costs_one_document_and_names_the_parser(pool: ParserPool) -> None:
    assert problem(pool, "crash") == (
        "a.hostile cannot be parsed: the plug-in 'hostile' of resift-hostile-parser 1.0 crashed (SIGSEGV). "
        "Leave it out, or convert it to plain text."
    )
    assert text(pool, "fine") == "fine"


def zipped(**texts: str) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w") as members:
        for name, text in texts.items():
            members.writestr(name.replace("_", "."), text)
    return archive.getvalue()


def test_document_in_an_archive_that_ends_the_process_costs_only_itself(pool: ParserPool) -> None:
    first, failed, last = pool.parse("a.zip", zipped(a_md="fine", b_hostile="crash", c_md="fine too"))
    assert [(part.name, part.text) for part in (first, last)] == [("a.md", "fine"), ("c.md", "fine too")]
    assert failed.name == "b.hostile"
    assert failed.problem == (
        "a.zip/b.hostile cannot be parsed, and ended the process: the plug-in 'hostile' of resift-hostile-parser 1.0 "
        "crashed (SIGSEGV). Leave it out, or convert it to plain text."
    )


@pytest.mark.slow
def test_documents_before_too_many_that_end_their_processes_are_kept(pool: ParserPool) -> None:
    bad = {f"{name}_hostile": "exit" for name in "bcde"}
    parts = pool.parse("a.zip", zipped(a_md="fine", **bad))
    assert [part.name for part in parts] == ["a.md", "b.hostile", "c.hostile", "d.hostile", ""]
    assert "a.zip was parsed only in part: the plug-in 'hostile' of resift-hostile-parser 1.0" in parts[-1].problem
    assert "at a.zip/e.hostile, which is inside it. Leave it out" in parts[-1].problem


def test_deadline_that_is_due_already_spares_the_process_of_the_next_file() -> None:
    held = HeldDeadlines()
    worker = Worker(Limits(), held)
    answer = worker.parse("a.md", b"text")
    assert answer.is_usable
    held.fire()
    assert worker.parse("a.md", b"text") == answer
    held.spared = 2  # it comes when the file is begun
    [part] = worker.parse("a.md", b"A paragraph of words.\n\n" * 100_000).parts  # has no answer yet when it is killed
    assert "s. Split the file, leave it out, or convert it to plain text." in part.problem
    worker.kill()


def test_end_of_the_process_costs_one_document(pool: ParserPool) -> None:
    assert "of resift-hostile-parser 1.0 ended its process with code 3" in problem(pool, "exit")


def test_memory_is_limited_and_the_process_goes_on(pool: ParserPool) -> None:
    assert text(pool, "fine") == "fine"
    before = pool.pids
    assert "it needs more memory than" in problem(pool, "swell")
    assert pool.pids == before


def test_reply_that_is_too_large_is_not_read(pool: ParserPool) -> None:
    assert problem(pool, "flood") == "a.hostile cannot be parsed: it holds more than 1 MB of text. Split it."


def test_process_that_was_taken_over_can_only_send_a_problem(pool: ParserPool) -> None:
    assert "sent what cannot be read" in problem(pool, "forge")
    assert "sent what cannot be read (ValueError)" in problem(pool, "inflate")


def test_what_a_parser_prints_goes_to_the_standard_error(pool: ParserPool, capfd: pytest.CaptureFixture[str]) -> None:
    problem(pool, "exit")  # the process of the next document has this test's standard error
    assert text(pool, "print") == "It has printed."
    printed = capfd.readouterr()
    assert (printed.out, "written by C" in printed.err, "printed by Python" in printed.err) == ("", True, True)


def test_process_gets_no_secrets(pool: ParserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "QDRANT_API_KEY", "RESIFT_HTTP__TOKENS", "GITHUB_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, "secret")
    problem(pool, "exit")
    names = set(text(pool, "variables").split("\n"))
    assert "PATH" in names
    assert not names & {"OPENAI_API_KEY", "QDRANT_API_KEY", "RESIFT_HTTP__TOKENS", "GITHUB_TOKEN", "DATABASE_URL"}


def test_process_imports_little_and_nothing_from_the_folder_it_runs_in(pool: ParserPool) -> None:
    heavy = {"numpy", "onnxruntime", "pydantic", "anyio", "qdrant_client", "pypdfium2", "undoc", "docutils"}
    assert not heavy & set(text(pool, "modules").split("\n"))
    folder, *searched = text(pool, "directory").split("\n")
    assert not {folder, ""} & set(searched)


def test_dates_and_sets_in_metadata_are_texts_and_lists_and_other_objects_a_problem(pool: ParserPool) -> None:
    [part] = pool.parse("a.hostile", b"date")
    assert part.parsed is not None
    assert part.parsed.metadata == {"day": "2024-05-01", "tags": ["one"]}
    assert "object is not a type of JSON" in problem(pool, "object")


def test_process_that_the_system_ended_while_idle_is_replaced(pool: ParserPool) -> None:
    assert text(pool, "fine") == "fine"
    [pid] = pool.pids
    os.kill(pid, 9)
    assert text(pool, "fine") == "fine"
    assert pool.pids != [pid]


def test_document_that_hangs_is_stopped_with_the_programs_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    held = HeldDeadlines()
    worker = Worker(Limits(seconds=2), held)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(worker.parse, "a.hostile", f"hang {tmp_path}/pipe".encode())
        with (tmp_path / "pipe").open("rb") as pipe:
            assert pipe.readline() == b"begun\n"
            held.fire()
            assert pipe.read() == b"", "the program that it started has ended"
        [part] = answer.result().parts
    assert part.problem == (
        "a.hostile cannot be parsed: the plug-in 'hostile' of resift-hostile-parser 1.0 took more than 2 s. "
        "Split the file, leave it out, or convert it to plain text."
    )


def test_document_is_given_the_time_that_its_parser_asks_for() -> None:
    held = HeldDeadlines()
    worker = Worker(Limits(seconds=1, start_seconds=2), held)
    [part] = worker.parse("a.hostile", b"ask").parts
    assert part.parsed is not None
    assert part.parsed.lines == ["It was given the time."]
    assert held.longest_s > 10
    worker.kill()


@pytest.mark.parametrize(("action", "most_s"), [("overdo", 3), ("lie", 2)])
def test_time_that_is_asked_for_has_an_end(action: str, most_s: float) -> None:
    held = HeldDeadlines(spared=ASKED)
    worker = Worker(Limits(seconds=2, most_seconds=3, start_seconds=0), held)
    [part] = worker.parse("a.hostile", action.encode()).parts
    assert f"took more than {most_s} s" in part.problem
    assert held.longest_s <= 3
    worker.kill()


@pytest.mark.slow
def test_threads_share_the_processes() -> None:
    pool = ParserPool(2)
    texts = [f"number {number}" for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(text, repeat(pool), texts))
    assert found == texts
    assert len(pool.pids) == 2
    pool.close()


@pytest.mark.slow
def test_process_is_replaced_after_some_files() -> None:
    pool = ParserPool(1, limits=Limits(files=2))
    used = [(text(pool, "fine"), tuple(pool.pids))[1] for _ in range(4)]
    assert (len(used[0]), used[1], len(used[2]), used[3]) == (1, (), 1, ())
    assert used[0] != used[2]
    pool.close()


def test_closed_pool_leaves_no_process_and_parses_nothing() -> None:
    pool = ParserPool(1)
    assert text(pool, "fine") == "fine"
    [pid] = pool.pids
    pool.close()
    with pytest.raises(ChildProcessError):  # it is not even waited for
        os.waitpid(pid, os.WNOHANG)
    with pytest.raises(Unavailable, match="engine is ending"):
        pool.parse("a.md", b"text")
