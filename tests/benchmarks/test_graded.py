"""Orders are compared on graded lists: only graded passages count, and what each question got is kept."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.table import Table

from resift.benchmarks.graded.__main__ import main
from resift.benchmarks.graded.outcomes import (
    GradedOutcome,
    GradedRun,
    condensed,
    perfect,
    read_run,
    values_of,
    write_run,
)
from resift.benchmarks.graded.scores import ScoreFile
from resift.benchmarks.graded.tables import group_table, run_tables, system_table
from resift.core.query import Query
from resift.core.values import Passage
from resift.evaluation.graded import GradedQuestion
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.protocols import Scores
from resift.tests.benchmarks.graded_folder import write_graded

GRADES = {"a": 0, "b": 3, "c": 1, "d": 2}


def outcome(query: str, before: float, after: float, *, pool: str = "docs", style: str = "howto") -> GradedOutcome:
    systems = {"hybrid": before, "default": after, "perfect": 1.0}
    values = {
        name: {"nDCG@5": value, "nDCG@10": value, "right first": float(value > 0.5)} for name, value in systems.items()
    }
    return GradedOutcome(query=query, pool=pool, style=style, values=values)


def run(*outcomes: GradedOutcome, reranker: str = "new") -> GradedRun:
    return GradedRun(reranker, ("hybrid", "default", "perfect"), outcomes=outcomes, left_out=2)


def rows(table: Table) -> dict[str, list[str]]:
    """Return the other cells of each row of a table by its first cell."""
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return {first: rest for first, *rest in zip(*columns, strict=True)}


def test_passages_without_a_grade_do_not_count_and_those_not_found_come_last() -> None:
    assert condensed(["x", "d", "y", "a", "d"], GRADES) == ["d", "a", "b", "c"]
    assert perfect(["a", "x", "d", "c"], GRADES) == ["d", "c", "a", "b"]


def test_grades_are_gains_and_a_grade_of_one_is_not_right() -> None:
    found = values_of(GradedQuestion("q", GRADES), {"good": ["b", "d", "c", "a"], "poor": ["c", "b", "d", "a"]})
    assert found["good"] == {"nDCG@5": 1.0, "nDCG@10": 1.0, "right first": 1.0}
    ideal = 3 + 2 / 1.5849625 + 1 / 2
    assert found["poor"]["nDCG@5"] == pytest.approx((1 + 3 / 1.5849625 + 2 / 2) / ideal)
    assert found["poor"]["right first"] == 0.0


@pytest.mark.parametrize("query", ["tea without milk", "why doesn't it start", "fruit other than apples", "NOT spam"])
def test_negation_and_exclusion_are_found_by_their_words(query: str) -> None:
    assert outcome(query, 0, 1).excludes
    assert not outcome("a note on nothings and the knot", 0, 1).excludes


def test_halves_stay_the_same_and_both_have_questions() -> None:
    halves = [outcome(f"question {number}", 0, 1).half for number in range(100)]
    assert halves == [outcome(f"question {number}", 0, 1).half for number in range(100)]
    assert set(halves) == {1, 2}
    assert 30 < halves.count(1) < 70


def test_tables_say_who_is_helped_and_hurt_in_each_group() -> None:
    found = run(
        outcome("one", 0.5, 0.9),
        outcome("two without", 0.7, 0.2, pool="code"),
        outcome("three", 0.4, 0.4, style="claim"),
    )
    by_default = rows(system_table(found))["default"]
    assert by_default[:5] == ["0.5000", "0.5000", "33.3%", "1", "1"]
    groups = rows(group_table(found, "default"))
    assert groups["code"] == ["1", "0.7000", "0.2000", "-0.5000", "0.7000", "0.2000", "100%", "0%", "0", "1"]
    assert groups["howto"][-2:] == ["1", "1"]
    assert groups["claim"][-2:] == ["0", "0"]
    assert groups["negation or exclusion"][0] == "1"
    assert groups["all"][:4] == ["3", "0.5333", "0.5000", "-0.0333"]


def test_runs_are_compared_on_the_questions_that_both_asked(tmp_path: Path) -> None:
    write_run(tmp_path / "old.json", run(outcome("one", 0, 0.5), outcome("gone", 0, 0.9), reranker="old"))
    new = run(outcome("one", 0, 0.75), outcome("new", 0, 0))
    groups, intervals = run_tables(read_run(tmp_path / "old.json"), new, "default")
    assert groups.title is not None
    assert "default: new against old" in str(groups.title)
    assert rows(groups)["all"][:4] == ["1", "0.5000", "0.7500", "+0.2500"]
    assert rows(intervals)["nDCG@5"] == ["+0.2500", "+0.2500 to +0.2500"]


@dataclass
class Counted:
    """Scores by length, and counts what it reads."""

    name: str = "by length"
    fingerprint: str = "1"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))
    read: list[str] = field(default_factory=list[str])

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.read += [passage.text for passage in passages]
        return Scores(tuple(float(len(passage.text)) for passage in passages))

    def relevance(self, score: float) -> float:
        return score


@pytest.mark.anyio
async def test_kept_scores_are_read_once_even_by_another_process(tmp_path: Path) -> None:
    passages = [Passage(text, 0, text=text) for text in ("aa", "b", "ccc")]
    scorer = Counted()
    await ScoreFile(tmp_path / "scores.db").score(scorer, Query("q"), passages[:2])
    found = await ScoreFile(tmp_path / "scores.db").score(scorer, Query("q"), passages)
    assert (found.values, found.cached, scorer.read) == ((2.0, 1.0, 3.0), 2, ["aa", "b", "ccc"])
    other = Counted(fingerprint="2")
    assert (await ScoreFile(tmp_path / "scores.db").score(other, Query("q"), passages)).cached == 0


@pytest.mark.slow
def test_pools_are_asked_by_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graded = write_graded(tmp_path)
    places = ["--store", str(tmp_path / "store"), "--scores", str(tmp_path / "scores.db"), "--questions", "5"]
    kept = tmp_path / "first.json"
    monkeypatch.setattr(sys, "argv", ["graded", str(graded), *places, "--rerank-weight", "1", "--json", str(kept)])
    main()
    assert "10 questions; 20 that nothing answers are left out" in capsys.readouterr().out
    found = json.loads(kept.read_text(encoding="utf-8"))
    assert found["systems"] == ["hybrid", "default", "weight 1", "perfect order of the hits"]
    assert {each["pool"] for each in found["outcomes"]} == {"office", "house"}
    right = [each["values"]["default"]["right first"] for each in found["outcomes"]]
    assert sum(right) >= 8, "the answers of one-sentence documents are easy to find"
    monkeypatch.setattr(sys, "argv", ["graded", str(graded), *places, "--compare", str(kept)])
    main()
    assert "+0.0000 to +0.0000" in capsys.readouterr().out, "the same reranker gives the same orders"
