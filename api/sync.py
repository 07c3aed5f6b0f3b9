"""The API for code without an event loop, and a reranker without a store."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError, Future
from concurrent.futures import wait as wait_for
from functools import wraps
from threading import Lock, Thread, current_thread
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from ..core.errors import InvalidInput
from ..core.values import Hit
from ..pipeline.request import DEFAULT
from ..settings.load import Settings
from ..store.gate import ENDED
from .requests import MAX_PASSAGES, listed_once
from .resift import Resift

STOP_S = 10.0
"""How long `close` waits for the calls of other threads to stop."""

WAKE_S = 0.5
"""How often a thread that waits wakes up: a signal that comes just before Python blocks does not wake it."""

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[Resift, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["SyncResift", P], T]:
    """Return a method that waits for the result of an asynchronous one."""

    @wraps(method)
    def call(self: "SyncResift", *args: P.args, **kwargs: P.kwargs) -> T:
        return self.wait(method(self.resift, *args, **kwargs))

    return call


class SyncResift:
    """`Resift` for code without an event loop: the same methods, each of which waits for its result.

    The arguments are those of `Resift`. Use it as a context manager, or call `close` at the end. Threads may share an
    instance; calls run in an event loop of its own. Ctrl-C stops the call that waits.
    """

    def __init__(self, settings: Settings | None = None, **overrides: Any) -> None:
        self.resift = Resift(settings, **overrides)
        self._is_closed = False
        self._calls: dict[asyncio.Task[Any], Future[Any]] = {}
        self._lock = Lock()
        self._loop = asyncio.new_event_loop()
        # A daemon, so that a program that never calls `close` can end.
        self._thread = Thread(target=self._run, name="resift", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Flush and close the store, and close connections to endpoints. Closing twice does nothing.

        Calls of other threads are stopped.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """Return the result of an asynchronous call. The call is stopped if the wait is interrupted.

        Raises:
            InvalidInput: `close` was called before, or meanwhile; or a function that a call runs, such as its
                `progress`, calls this.
        """
        if current_thread() is self._thread:
            call.close()
            raise InvalidInput("This instance waits for the call that runs this function. Use it when that has ended.")
        outcome: Future[T] = Future()  # made first, so that whatever interrupts what follows can stop the call
        try:
            with self._lock:  # so that `close` knows of every call that was let in
                if self._is_closed:
                    call.close()
                    raise InvalidInput(ENDED)
                self._loop.call_soon_threadsafe(self._begin, call, outcome)
            while not outcome.done():
                wait_for((outcome,), timeout=WAKE_S)
            return outcome.result()
        except CancelledError as error:
            raise InvalidInput("This instance was closed before the call ended. Create another one.") from error
        finally:
            outcome.cancel()  # does nothing to a call that has ended

    def _begin(self, call: Coroutine[Any, Any, T], outcome: Future[T]) -> None:
        """Run the call in the loop until it ends or `outcome` is cancelled, and set `outcome`."""
        task = self._loop.create_task(call)
        self._calls[task] = outcome

        def stop(outcome: Future[T]) -> None:
            if outcome.cancelled():
                self._loop.call_soon_threadsafe(task.cancel)

        def settle(task: asyncio.Task[T]) -> None:
            self._calls.pop(task)
            if task.cancelled():
                outcome.cancel()
                return
            error = task.exception()
            if not outcome.set_running_or_notify_cancel():
                return  # the wait was interrupted
            if error:
                outcome.set_exception(error)
            else:
                outcome.set_result(task.result())

        task.add_done_callback(settle)
        outcome.add_done_callback(stop)

    async def _stop(self) -> None:
        if calls := dict(self._calls):
            for task in calls:
                task.cancel()
            await asyncio.wait(calls, timeout=STOP_S)
            for outcome in calls.values():
                outcome.cancel()  # so that nobody waits for a call that would not stop
        await self.resift.close()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    @property
    def takes_feedback(self) -> bool:
        """Return whether the settings ask for feedback, so that searches can be logged."""
        return self.resift.takes_feedback

    @property
    def templates(self) -> list[str]:
        """Return the names that `template` takes; none without a language model."""
        return self.resift.templates

    @property
    def rerankers(self) -> list[str]:
        """Return the names that `reranker` takes."""
        return self.resift.rerankers

    search = _blocking(Resift.search)
    rerank = _blocking(Resift.rerank)
    rerank_with_llm = _blocking(Resift.rerank_with_llm)
    ingest = _blocking(Resift.ingest)
    read = _blocking(Resift.read)
    collections = _blocking(Resift.collections)
    fields = _blocking(Resift.fields)
    tunings = _blocking(Resift.tunings)
    delete = _blocking(Resift.delete)
    evaluate = _blocking(Resift.evaluate)
    log_search = _blocking(Resift.log_search)
    record_feedback = _blocking(Resift.record_feedback)


class Reranker:
    """A reranker for lists of texts, without a store: `Reranker("cross-encoder").rank(query, texts)`.

    `name` is a reranker of the settings: "default", "cross-encoder", "maxsim" or a configured one. The model is loaded
    by the first call and stays loaded until `close`.
    """

    def __init__(self, name: str = DEFAULT, *, settings: Settings | None = None, **overrides: Any) -> None:
        self.name = name
        self._sync = SyncResift(settings, **overrides)

    def rank(self, query: str, texts: Iterable[str], *, limit: int = 0, instruction: str = "") -> list[Hit]:
        """Return the texts, at most 200, best first; `hit.was` is a text's position, from 1. `limit` 0 returns all.

        No texts have no order: the list is empty then.

        Raises:
            InvalidInput: The query is empty, there are too many or too long texts, or it was closed.
            NotFound: There is no such reranker.
        """
        given = listed_once(texts)
        if given == []:
            return []
        wanted = limit or MAX_PASSAGES
        page = self._sync.rerank(query, given, limit=wanted, reranker=self.name, instruction=instruction)
        return list(page.hits)

    def close(self) -> None:
        """Unload the model."""
        self._sync.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
