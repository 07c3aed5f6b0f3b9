"""What searches showed and what was used of it: lines that are only added, read back search by search."""

import resource
import signal
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from resift.core.errors import InvalidInput, NotFound, StoreError
from resift.store.feedback_log import FeedbackLog, Searched, ShownHit

pytestmark = pytest.mark.anyio

SHOWN = [ShownHit(f"d{number}#0", f"d{number}", rank=number) for number in (1, 2, 3)]
SEARCHED = Searched("notes", "why do brakes squeal", shown=SHOWN, filter={"year": {"gte": 2020}}, reranker="default")


@pytest.fixture
def log(tmp_path: Path) -> FeedbackLog:
    return FeedbackLog(tmp_path / "feedback")


async def test_used_hits_come_back_with_their_search(log: FeedbackLog) -> None:
    first, second = await log.log_search(SEARCHED), await log.log_search(replace(SEARCHED, query="another"))
    await log.log_feedback(second, ["d3#0"], ["d1#0"])
    await log.log_feedback(first, ["d2#0"], [])
    await log.log_feedback(first, ["d1#0"], [])
    uses = await log.uses("notes")
    assert [(use.searched.query, [each.rank for each in use.used]) for use in uses] == [
        ("why do brakes squeal", [1, 2]),
        ("another", [3]),
    ]
    assert uses[0].searched.filter == {"year": {"gte": 2020}}
    assert uses[0].searched.created


async def test_later_words_go_before_earlier_ones_and_silence_is_no_use(log: FeedbackLog) -> None:
    changed, silent, refused = [await log.log_search(SEARCHED) for _ in range(3)]
    await log.log_feedback(changed, ["d1#0", "d2#0"], [])
    await log.log_feedback(changed, [], ["d1#0"])
    await log.log_feedback(refused, [], ["d1#0"])
    assert [use.searched.search_id for use in await log.uses("notes")] == [changed]
    assert [each.passage_id for each in (await log.uses("notes"))[0].used] == ["d2#0"]
    assert silent


async def test_feedback_that_cannot_be_is_refused(log: FeedbackLog) -> None:
    known = await log.log_search(SEARCHED)
    with pytest.raises(NotFound, match=r"No search 'made-up'\. Give the `search_id`"):
        await log.log_feedback("made-up", ["d1#0"], [])
    with pytest.raises(InvalidInput, match="showed no passage 'd9#0'"):
        await log.log_feedback(known, ["d1#0"], ["d9#0"])
    with pytest.raises(InvalidInput, match="'d1#0' is both in used and in not_used"):
        await log.log_feedback(known, ["d1#0"], ["d1#0"])
    with pytest.raises(InvalidInput, match="Give the passage_ids"):
        await log.log_feedback(known, [], [])
    assert await log.uses("notes") == []


async def test_feedback_on_more_passages_than_a_search_shows_is_refused(log: FeedbackLog) -> None:
    searched = await log.log_search(SEARCHED)
    with pytest.raises(InvalidInput, match=r"20,000 passages are more than the limit of 1,000\."):
        await log.log_feedback(searched, ["d1#0"] * 20_000, [])


async def test_hits_are_known_by_the_ids_that_were_shown(log: FeedbackLog) -> None:
    below = [f"/srv{folder}/docs/setup.md#0" for folder in ("", "/other", "/new")]
    hits = [
        ShownHit(below[0], "d", rank=1, shown_id="docs/setup.md#0"),
        ShownHit(below[1], "d", rank=2),
        ShownHit("/srv/a.md#0", "d", rank=3),
    ]
    search_id = await log.log_search(replace(SEARCHED, shown=hits))
    for given, rank in (("docs/setup.md#0", 1), (below[1], 2), ("a.md#0", 3)):
        await log.log_feedback(search_id, [given], [])
        assert [each.rank for each in (await log.uses("notes"))[0].used] == [rank]
        await log.log_feedback(search_id, [], [given, *(hit.passage_id for hit in hits)])
    with pytest.raises(InvalidInput, match=r"showed no passage 'setup\.md#0'"):
        await log.log_feedback(search_id, ["setup.md#0"], [])
    older = await log.log_search(replace(SEARCHED, shown=[replace(hit, shown_id="") for hit in hits[::2]]))
    await log.log_feedback(older, ["docs/setup.md#0"], [])
    assert [each.rank for each in (await log.uses("notes"))[0].used] == [1]


async def test_lines_are_only_added_and_a_cut_one_harms_no_other(log: FeedbackLog, tmp_path: Path) -> None:
    path = tmp_path / "feedback" / "notes.jsonl"
    known = await log.log_search(SEARCHED)
    before = path.read_bytes()
    await log.log_feedback(known, ["d1#0"], [])
    assert path.read_bytes().startswith(before)
    with path.open("ab") as file:
        file.write(b'{"search_id": "half')
    await log.log_feedback(known, ["d2#0"], [])
    after = path.read_bytes()
    await log.log_feedback(known, ["d3#0"], [])
    assert path.read_bytes().startswith(after)
    assert b"\n\n" not in path.read_bytes()
    assert len((await log.uses("notes"))[0].used) == 3


async def test_line_for_which_the_disk_has_no_room_is_an_error_and_takes_no_other_with_it(
    log: FeedbackLog, tmp_path: Path
) -> None:
    path = tmp_path / "feedback" / "notes.jsonl"
    known = await log.log_search(SEARCHED)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
        with pytest.raises(StoreError, match="cannot be written"):
            await log.log_search(SEARCHED)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    await log.log_feedback(known, ["d2#0"], [])
    assert [each.rank for each in (await log.uses("notes"))[0].used] == [2]


async def test_two_logs_may_write_at_once(tmp_path: Path) -> None:
    async def write(log: FeedbackLog) -> None:
        for _ in range(20):
            await log.log_feedback(await log.log_search(SEARCHED), ["d1#0"], [])

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(write, FeedbackLog(tmp_path))
    assert len(await FeedbackLog(tmp_path).uses("notes")) == 40


async def test_forgotten_collection_has_nothing_left(log: FeedbackLog) -> None:
    known = await log.log_search(SEARCHED)
    other = await log.log_search(replace(SEARCHED, collection="other"))
    await log.forget("notes")
    await log.forget("never there")
    assert await log.uses("notes") == []
    with pytest.raises(NotFound):
        await log.log_feedback(known, ["d1#0"], [])
    await log.log_feedback(other, ["d1#0"], [])


async def test_what_cannot_be_written_is_a_store_error(log: FeedbackLog, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"default\.jsonl cannot be written"):
        await log.log_search(Searched("default", "half of a pair: \ud800", shown=SHOWN))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="unset RESIFT_FEEDBACK"):
        await FeedbackLog(tmp_path / "file" / "feedback").log_search(Searched("default", "q", shown=SHOWN))
