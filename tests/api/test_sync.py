"""The API without an event loop, and the reranker without a store."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resift import DocumentInput, InvalidInput, NotFound, Reranker, SyncResift

TEXTS = ("The pump hums at night.", "Bees dance to tell where flowers are.", "Worn brake pads squeal.")


def test_methods_wait_for_their_results_and_threads_may_share_them(tmp_path: Path) -> None:
    with SyncResift(data_dir=tmp_path / "data") as resift:
        assert resift.ingest(documents=[{"text": text} for text in TEXTS]).added == 3
        assert resift.search("why do brakes squeal", limit=1).hits[0].passage.text == TEXTS[2]
        with ThreadPoolExecutor(4) as threads:
            pages = list(threads.map(resift.search, ["what hums", "what do bees do", "what squeals"]))
        assert [page.hits[0].passage.text for page in pages] == list(TEXTS)
    resift.close()


def test_progress_is_told_to_a_plain_function(tmp_path: Path) -> None:
    heard: list[tuple[float, int, str]] = []

    def hear(done: float, total: int, message: str) -> None:
        heard.append((done, total, message))

    with SyncResift(data_dir=tmp_path / "data") as resift:
        documents: list[DocumentInput] = [{"text": text} for text in TEXTS]
        assert resift.ingest(documents=documents, progress=hear).added == 3
        assert heard[0] == (0, 3, "Reading 3 documents")
        resift.ingest(documents=documents[:1], collection="one", progress=hear)
        assert (0, 1, "Reading 1 document") in heard
        assert heard[-1][2] == "Embedding 1 of 1 passage, 1 of 1 document"
        with pytest.raises(InvalidInput, match=r"`progress` takes a function of \(done, total, message\)"):
            resift.ingest(documents=documents, progress=True)  # pyright: ignore[reportArgumentType]


def test_reranker_ranks_texts_in_one_line() -> None:
    hits = Reranker("cross-encoder").rank("what do bees do", TEXTS)
    assert hits[0].was == 2
    assert hits[0].passage.text == TEXTS[1]
    assert len(hits) == len(TEXTS)


def test_reranker_is_used_again_and_refuses_what_it_cannot_rank() -> None:
    with Reranker("maxsim") as reranker:
        assert reranker.rank("what hums", TEXTS, limit=1)[0].was == 1
        assert reranker.rank("what squeals", TEXTS, limit=1)[0].was == 3
        with pytest.raises(InvalidInput, match="The query is empty"):
            reranker.rank(" ", TEXTS)
    with Reranker("maxsin") as unknown, pytest.raises(NotFound, match="Did you mean 'maxsim'"):
        unknown.rank("what hums", TEXTS)


def test_more_texts_than_can_be_ranked_are_refused_by_their_number() -> None:
    with Reranker() as reranker, pytest.raises(InvalidInput, match="Pass 1 to 200 passages, not 250"):
        reranker.rank("what hums", ["The pump hums."] * 250)


def test_calls_after_closing_are_refused(tmp_path: Path) -> None:
    resift = SyncResift(data_dir=tmp_path / "data")
    resift.close()
    resift.close()
    reranker = Reranker()
    reranker.close()
    for call in (lambda: resift.search("what hums"), lambda: reranker.rank("what hums", TEXTS)):
        with pytest.raises(InvalidInput, match="This instance was closed"):
            call()


def test_interrupted_waits_stop_their_calls(tmp_path: Path) -> None:
    def interrupt(begun: threading.Event) -> None:
        begun.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with SyncResift(data_dir=tmp_path / "data") as resift:
            for _ in range(200):  # the interrupt may come before the wait itself has begun
                begun, stopped = threading.Event(), threading.Event()
                threading.Thread(target=interrupt, args=(begun,)).start()
                with pytest.raises(KeyboardInterrupt):
                    resift.wait(_endless(begun, stopped))
                assert stopped.wait(timeout=20)
    finally:
        signal.signal(signal.SIGINT, before)


def test_function_that_a_call_runs_cannot_wait_for_another_call(tmp_path: Path) -> None:
    with SyncResift(data_dir=tmp_path / "data") as resift:

        def progress(*_: object) -> None:
            resift.collections()

        with pytest.raises(InvalidInput, match="Use it when that has ended"):
            resift.ingest(documents=[{"text": "The pump hums."}], progress=progress)


def test_closing_stops_the_calls_of_other_threads(tmp_path: Path) -> None:
    begun, stopped = threading.Event(), threading.Event()
    resift = SyncResift(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(resift.wait, _endless(begun, stopped))
        begun.wait()
        resift.close()
        assert stopped.is_set()
        with pytest.raises(InvalidInput, match="closed before the call ended"):
            call.result()


def _endless(begun: threading.Event, stopped: threading.Event) -> Coroutine[object, object, None]:
    async def call() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    return call()


@pytest.mark.slow
def test_program_that_never_closes_its_reranker_ends() -> None:
    code = (
        "from resift import Reranker; print(Reranker().rank('what do bees do', ['a pump hums', 'bees dance'])[0].was)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr


def test_nothing_to_rank_is_an_empty_list_and_texts_may_come_from_a_generator() -> None:
    with Reranker() as reranker:
        assert reranker.rank("what hums", []) == []
        assert next(hit.was for hit in reranker.rank("what hums", (text for text in TEXTS))) == 1
        for wrong in ("The pump hums.", {"text": "The pump hums."}, None):
            with pytest.raises(InvalidInput, match="passages: Input should be a list"):
                reranker.rank("what hums", wrong)  # pyright: ignore[reportArgumentType]


def test_what_can_be_chosen_is_listed_without_an_event_loop(tmp_path: Path) -> None:
    with SyncResift(data_dir=tmp_path / "data", feedback=True) as resift:
        assert {"cross-encoder", "default", "none"} <= {*resift.rerankers}
        assert (resift.templates, resift.takes_feedback) == ([], True)
