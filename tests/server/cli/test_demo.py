"""`resift demo` runs as a whole, and what it and the README say of its result is true."""

import io
import platform
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from statistics import fmean

import pytest

from resift.docs.search_picture import PICTURE, search_picture
from resift.examples.questions import STDLIB_QUESTIONS, UNANSWERED
from resift.factories.engine import Engine, build_engine
from resift.server.cli.demo import ON_AVERAGE, run_demo, shown_question
from resift.settings.load import load_settings
from resift.tests.project.tree import ROOT
from resift.tests.server.in_process import Run

DRAWN_WITH = "3.11"  # the picture shows docstrings of this version of Python


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    engine = build_engine(load_settings(data_dir=tmp_path_factory.mktemp("demo")))
    yield engine
    await engine.close()


@pytest.fixture(scope="module")
async def printed(engine: Engine) -> str:
    """Return what the demo prints on stdout."""
    output = io.StringIO()
    with redirect_stdout(output):
        await run_demo(engine)
    return output.getvalue()


def test_average_of_the_benchmarks_is_that_of_their_table() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \S+ (?:test|dev) \| (\d+) \| (\.\d+) \| \*\*(\.\d+)\*\* \| ", page, re.MULTILINE)
    assert len(rows) == 6
    questions, hybrid, default = zip(*rows, strict=True)
    assert f"{sum(map(int, questions)):,} questions" in ON_AVERAGE
    found = re.search(r"from (\.\d{3}) to (\.\d{3})", ON_AVERAGE)
    assert found is not None
    assert [float(value) for value in found.groups()] == [
        pytest.approx(fmean(map(float, column)), abs=5.1e-4) for column in (hybrid, default)
    ]


@pytest.mark.slow
def test_demo_does_not_use_the_qdrant_server_of_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")  # nobody answers there
    shown = run("demo")
    assert (shown.code, "Right answer first: " in shown.out) == (0, True), shown.err
    assert "documents of your own (PDF, Office files, Markdown," in shown.out


@pytest.mark.slow
@pytest.mark.anyio
async def test_every_question_is_asked_and_counted(printed: str) -> None:
    for question in (*STDLIB_QUESTIONS, *UNANSWERED):
        assert question.text in printed
    moves = re.findall(r"^ *(#\d+|>10) -> (#\d+|>10) +(good|weak|none) ", printed, re.MULTILINE)
    assert len(moves) == len(STDLIB_QUESTIONS)
    before, after = (sum(move[place] == "#1" for move in moves) for place in (0, 1))
    assert f"Right answer first: {before} of {len(moves)} by hybrid search alone, {after} after reranking." in printed
    assert after > before
    moved = re.search(r"moved up for (\d+) questions?, down for (\d+)", printed)
    assert moved is not None
    assert int(moved[1]) > int(moved[2])
    given, right = Counter(move[2] for move in moves), Counter(move[2] for move in moves if move[1] == "#1")
    told = ", ".join(f"{right[verdict]} of {given[verdict]} {verdict}" for verdict in ("good", "weak", "none"))
    assert f"Right answer first, by verdict: {told}." in printed
    assert right["none"] <= 0.2 * after
    ranks = [[int(move[place].lstrip("#")) if "#" in move[place] else None for move in moves] for place in (0, 1)]
    was, now = (fmean(1 / rank if rank else 0 for rank in column) for column in ranks)
    assert f"{was:.3f} before, {now:.3f} after." in " ".join(printed.split())
    assert now > was


@pytest.mark.slow
@pytest.mark.anyio
async def test_right_answer_is_marked_in_both_orders(printed: str) -> None:
    table = printed[printed.index("before reranking") : printed.index("is the right answer")]
    assert table.count("<- right answer") == 2
    assert table.splitlines()[1].count("<- right answer") == 1


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_the_documents_do_not_answer_gets_the_verdict_none(printed: str) -> None:
    assert f"Verdict none: {len(UNANSWERED)} of {len(UNANSWERED)}." in printed


@pytest.mark.slow
@pytest.mark.anyio
async def test_picture_of_the_readme_is_current(engine: Engine, printed: str) -> None:
    assert shown_question().text in printed
    if not platform.python_version().startswith(f"{DRAWN_WITH}."):
        pytest.skip(f"the picture was drawn with Python {DRAWN_WITH}, whose docstrings differ")
    drawn, fresh = PICTURE.read_text(encoding="utf-8"), await search_picture(engine.services.pipeline)
    assert _claim(drawn) == _claim(fresh), "run `make picture`"
    assert _names(drawn) == _names(fresh), "run `make picture`"


def _claim(svg: str) -> str:
    """Return what a picture says of the right answer."""
    found = re.search(r"right answer: #\d+ -> #\d+", _words(svg))
    assert found is not None
    return found[0]


def _names(svg: str) -> set[str]:
    """Return the documents in a picture; the order of those with close scores differs from processor to processor."""
    return set(re.findall(r"#\d+ +([A-Za-z_][\w.]*)", _words(svg)))


def _words(svg: str) -> str:
    return " ".join(re.findall(r"<text[^>]*>(.*?)</text>", svg)).replace("&#160;", " ").replace("&gt;", ">")
