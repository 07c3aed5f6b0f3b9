"""A judged set evaluated from end to end, and its report in every form."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from resift.evaluation.beir import load
from resift.evaluation.compare import Change
from resift.evaluation.experiment import EvaluationRequest, evaluate
from resift.evaluation.judged import JudgedSet
from resift.evaluation.measures import MEASURES
from resift.evaluation.report.content import Ceiling, EvaluationReport, Subject, build_report
from resift.evaluation.report.files import write_reports
from resift.evaluation.report.web_page import describe_times, to_html
from resift.evaluation.run import QueryResult
from resift.evaluation.systems import RERANKED, SYSTEMS, EvaluationTarget
from resift.factories.engine import Engine
from resift.ingest.files.roots import Roots
from resift.ingest.files.walk import find_files

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)

VOID = {"meta", "br", "path", "use", "line"}


@pytest.fixture(scope="module")
async def report(engine: Engine, bicycles: Path) -> EvaluationReport:
    services = engine.services
    request = EvaluationRequest(load(bicycles, "test"), reranker="maxsim", depth=4, depths=(2, 4, 8), seed=7)
    return await evaluate(
        request, pipeline=services.pipeline, ingestor=services.ingestor, remover=services.remover, now=NOW
    )


async def test_every_system_has_its_measures_and_times(report: EvaluationReport) -> None:
    assert [row.name for row in report.systems] == [system.name for system in SYSTEMS]
    for row in report.systems:
        assert list(row.measures) == list(MEASURES)
        assert 0 < row.measures["nDCG@10"] <= 1
        assert row.added is not None
        assert row.total is not None
        reranked = row.name not in {"dense", "BM25", "hybrid"}
        assert (row.added.p50 > 0) == reranked
        assert row.added.p95 >= row.added.p50
        assert row.total.p50 >= row.added.p50
    assert {row: len(values) for row, values in report.by_query.items()} == dict.fromkeys(report.by_query, 6)


def test_ceiling_counts_all_candidates_though_the_final_system_stops_early() -> None:
    judged = JudgedSet("set", queries={"q": "why?"}, grades={"q": {"d5": 1, "d40": 1}})
    candidates = tuple(f"d{number}" for number in range(50))
    shown = {"q": QueryResult(candidates[:10], retrieval_ms=1.0, added_ms=1.0)}
    runs = {system.name: shown for system in SYSTEMS} | {RERANKED: {"q": QueryResult(candidates, 1.0, added_ms=1.0)}}
    report = build_report(
        judged,
        EvaluationTarget("set", depth=50, stops_early=True),
        subject=Subject(name="set", split="", documents=50, model="m", seed=0, version="1", created=""),
        systems=SYSTEMS,
        runs=runs,
        runs_by_depth={50: runs[RERANKED]},
    )
    assert report.ceiling.recall == report.sweep.depths[0].ceiling == 1.0
    assert (report.ceiling.recall_at_5, report.ceiling.best_recall_at_5) == (0.0, 1.0)


async def test_ceiling_is_recall_among_the_candidates(report: EvaluationReport) -> None:
    (swept,) = [depth for depth in report.sweep.depths if depth.depth == 4]
    assert report.ceiling.recall == swept.ceiling
    assert report.ceiling.depth == 4
    assert report.sweep.depths[-1].ceiling == 1.0, "all eight documents are candidates at depth 8"


def test_prediction_states_what_reranking_can_gain() -> None:
    assert Ceiling(50, 0.95, recall_at_5=0.87, best_recall_at_5=0.95).prediction == (
        "R@50 is 0.950, R@5 is 0.870: reranking can gain up to 0.080 in R@5."
    )
    assert Ceiling(50, 0.95, recall_at_5=0.5, best_recall_at_5=0.6).prediction == (
        "R@50 is 0.950, R@5 is 0.500: reranking can gain up to 0.100 in R@5; "
        "some queries have more than five relevant documents."
    )


async def test_reranked_systems_are_compared_with_the_first_stage(report: EvaluationReport) -> None:
    assert [(each.system, each.against) for each in report.comparisons] == [
        ("hybrid + rerank", "hybrid"),
        ("+ blend", "hybrid"),
    ]
    rows = {row.name: row.measures for row in report.systems}
    for each in report.comparisons:
        assert each.helped + each.hurt + each.tied == 6
        for name, difference in each.differences.items():
            assert difference.mean == pytest.approx(rows[each.system][name] - rows[each.against][name])
            assert difference.low <= difference.mean <= difference.high


async def test_files_replace_those_of_an_earlier_run(report: EvaluationReport, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "reports"
    write_reports(report, folder)
    write_reports(report, folder)
    names = ["report.html", "report.json", "sweep.png"]
    assert sorted(path.name for path in folder.iterdir()) == [".resiftignore", *names]
    whole: Mapping[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    assert whole["ceiling"]["prediction"] == report.ceiling.prediction
    assert whole["sweep"]["advice"] == report.sweep.advice
    assert [row["name"] for row in whole["systems"]] == [row.name for row in report.systems]
    assert whole["subject"]["model"] == report.subject.model
    assert whole["target"] == {"collection": "eval-bicycles", "reranker": "maxsim", "depth": 4, "stops_early": False}
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


async def test_ingestion_of_the_folder_around_reports_leaves_them_out(report: EvaluationReport, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Bees make honey.")
    write_reports(report, tmp_path / "eval-notes")
    found = find_files([tmp_path], glob="**/*", roots=Roots.of([tmp_path]))
    assert [file.path.name for file in found.files] == ["notes.md"]

    (tmp_path / ".resiftignore").write_text("drafts\n")
    write_reports(report, tmp_path)
    assert (tmp_path / ".resiftignore").read_text() == "drafts\n", "the user's own rules stay"


class Outline(HTMLParser):
    """The tags that are open, the links, and the rows of the tables."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "xlink:href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "xlink:href"}]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


async def test_page_is_well_formed_and_loads_nothing(report: EvaluationReport) -> None:
    page = to_html(report)
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.tags.count("svg") == 2
    assert "script" not in outline.tags
    assert all(link.startswith("#") for link in outline.links)
    assert "url(http" not in page
    for expected in (*(row.name for row in report.systems), report.sweep.advice, report.ceiling.prediction):
        assert expected in page


async def test_plots_use_the_text_colour_of_the_page(report: EvaluationReport) -> None:
    page = to_html(report)
    assert "color-scheme: light dark" in page
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label")
        texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
        assert texts, "text is drawn, not written"
        assert all("currentColor" in (each.get("style") or "") for each in texts)
        assert not re.search(r"(fill|stroke): (#000000|#ffffff|black|white)", svg)
    assert page == to_html(report), "the same report gives another page"


async def test_depth_is_marked_only_if_there_are_enough_questions_to_decide(report: EvaluationReport) -> None:
    sweep = replace(report.sweep, recommended=4, is_plateau=True)
    marks = ("recommended</text>", "no more gain</text>", "Quality no longer rises in the shaded rows")
    few, enough = (to_html(replace(report, sweep=replace(sweep, questions=number))) for number in (6, 20))
    assert [mark in few for mark in marks] == [False] * 3
    assert [mark in enough for mark in marks] == [True] * 3


async def test_queries_are_text_not_markup(report: EvaluationReport) -> None:
    change = replace(
        report.comparisons[0],
        most_hurt=[Change("q9", "<script>x</script> & more", before=1.0, after=0.5, rank_before=1, rank_after=2)],
    )
    page = to_html(replace(report, comparisons=[change]))
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt; &amp; more" in page


async def test_times_that_were_not_measured_are_left_out_and_explained(report: EvaluationReport) -> None:
    assert describe_times(report) == []
    first, *others = report.sweep.depths
    found = replace(report, sweep=replace(report.sweep, depths=[replace(first, added=None), *others]))
    page = to_html(found)
    assert "<td>-</td><td>-</td></tr>" in page
    assert "Times shown as - were not measured" in page


async def test_intervals_of_few_questions_are_not_shown(report: EvaluationReport) -> None:
    few = to_html(report)
    assert "<td>too few questions</td><td>-</td>" in few
    assert "<td>yes</td>" not in few
    (change,) = report.comparisons[:1]
    enough = {name: replace(each, low=0.1, high=0.2, questions=20) for name, each in change.differences.items()}
    page = to_html(replace(report, comparisons=[replace(change, differences=enough)]))
    assert "<td>+0.1000 to +0.2000</td><td>yes</td>" in page
