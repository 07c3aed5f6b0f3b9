"""The worker processes of an engine: started when they are needed, shared by all threads, replaced when they fail."""

import os
import threading
from collections.abc import Mapping, Sequence

from ...core.errors import Unavailable
from ..parsers.protocols import USUAL_FIELDS, RecordFields
from ..parsing import Part
from .deadlines import Deadlines
from .limits import Limits, workers_of
from .worker import Answer, Worker

MAX_SKIPPED = 3  # documents of a file that may end a process; the others are parsed again without them


class ParserPool:
    """Parses files and texts in worker processes. A document that crashes, hangs or swells costs only itself."""

    def __init__(
        self, max_workers: int = 0, *, limits: Limits | None = None, record_fields: RecordFields = USUAL_FIELDS
    ) -> None:
        """Start nothing yet. Without `max_workers`, there are as many as cores, and at most 4."""
        self.max_workers = max_workers or workers_of(os.cpu_count())
        """How many files are parsed at once; more calls wait."""
        self.record_fields = record_fields
        """How it takes the fields of records to be called."""
        self._limits = limits or Limits()
        self._free = threading.BoundedSemaphore(self.max_workers)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._deadlines = Deadlines()
        self._is_closed = False

    @property
    def pids(self) -> list[int]:
        """Return the ids of the processes that run now."""
        with self._lock:
            return [worker.pid for worker in self._workers]

    def parse(self, source: str, data: bytes | str) -> Sequence[Part]:
        """Return the documents in a file, as `parse_file` does; if its process ended, those before, and the problem.

        Blocks until a process is free and has answered. Any number of threads may call it.

        Raises:
            Unavailable: The pool is closed, because the engine ends, or no process can be started.
        """
        skip: dict[str, str] = {}
        with self._free:
            answer = self._answer(source, data, skip)
            while answer.culprit and answer.culprit not in skip and len(skip) < MAX_SKIPPED:
                skip[answer.culprit] = f"{answer.culprit} cannot be parsed, and ended the process: {answer.cause}"
                answer = self._answer(source, data, skip)
            return answer.parts

    def close(self) -> None:
        """End all processes, also those that are parsing."""
        with self._lock:
            self._is_closed = True
            workers, self._workers = self._workers, set()
            self._idle.clear()
        self._deadlines.close()
        for worker in workers:
            worker.kill()

    def _answer(self, source: str, data: bytes | str, skip: Mapping[str, str]) -> Answer:
        answer = self._ask(source, data, skip)
        if not answer.has_begun:  # ended by the system while it had nothing to do
            answer = self._ask(source, data, skip)
        if not answer.has_begun:  # it would meet every file
            raise Unavailable(answer.parts[-1].problem)
        return answer

    def _ask(self, source: str, data: bytes | str, skip: Mapping[str, str]) -> Answer:
        worker = self._take()
        answer = worker.parse(source, data, skip)
        self._give_back(worker, is_usable=answer.is_usable)
        return answer

    def _take(self) -> Worker:
        """Return the process that was used last, so that the others may end, or a new one."""
        with self._lock:
            self._check_open()
            if self._idle:
                worker = self._idle.pop()
                self._deadlines.drop(worker)
                return worker
        try:
            worker = Worker(self._limits, self._deadlines, record_fields=self.record_fields)
        except OSError as error:
            raise Unavailable(f"No process that parses documents can be started: {error}. Try again later.") from error
        with self._lock:
            if not self._is_closed:
                self._workers.add(worker)
                return worker
        worker.kill()
        raise _closed()

    def _give_back(self, worker: Worker, *, is_usable: bool) -> None:
        with self._lock:
            is_closed = self._is_closed
            if is_usable and not is_closed:
                self._idle.append(worker)
                self._deadlines.set(worker, self._limits.idle_seconds, lambda: self._end_idle(worker))
                return
            self._workers.discard(worker)
        worker.kill()
        if is_closed:
            raise _closed()

    def _end_idle(self, worker: Worker) -> None:
        with self._lock:
            if worker not in self._idle:  # taken a moment ago
                return
            self._idle.remove(worker)
            self._workers.discard(worker)
        worker.kill()

    def _check_open(self) -> None:
        if self._is_closed:
            raise _closed()


def _closed() -> Unavailable:
    return Unavailable("The engine is ending, so nothing more is parsed. Try again.")


def open_parser_pool(record_fields: RecordFields) -> ParserPool:
    """Return the pool of an engine. No process runs before something is parsed."""
    return ParserPool(record_fields=record_fields)
