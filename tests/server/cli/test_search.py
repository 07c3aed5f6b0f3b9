"""What `resift search` shows: a part of each passage, the verdict, and with `--explain` the scores of all stages."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.values import Hit, Passage, Ranking, Stage
from resift.pipeline.page import Page
from resift.server.cli.search import explain_table, print_hits
from resift.tests.server.in_process import Run


def ranking(scores: Mapping[str, float], *stages: tuple[str, str]) -> Ranking:
    hits = [
        Hit(Passage("a", 0, text="text"), 1.0, rank=1, scores={"dense": 0.5, "fused": 1.0, **scores}, was=2),
        Hit(Passage("b", 0, text="text"), 0.5, rank=2, scores={"bm25": 2.0, "fused": 0.5}, was=1),
    ]
    kinds = [
        Stage(name, "m", received=2, returned=2, milliseconds=1.0, kind="score" if kind == "score" else "rank")
        for name, kind in stages
    ]
    return Ranking(hits, [Stage("search", "dense", received=2, returned=2, milliseconds=1.0), *kinds])


@pytest.mark.parametrize(
    ("scores", "stages", "columns"),
    [
        ({}, [], []),
        ({"rerank": 3, "blend": 1}, [("rerank", "score")], ["rerank", "blend"]),
        ({"rerank": 3, "boost": 1, "blend": 1}, [("rerank", "score")], ["rerank", "boost", "blend"]),
        ({"recency": 1, "blend": 1}, [("metadata", "rank")], ["recency", "blend"]),
        (
            {"rerank": 3, "recency": 1, "blend": 1, "heavy": 2, "llm": 1, "diversity": 1},
            [("rerank", "score"), ("heavy", "score"), ("llm", "rank"), ("diversity", "rank")],
            ["rerank", "recency", "heavy", "blend", "llm", "diversity"],
        ),
    ],
)
def test_blend_stands_behind_what_is_in_it_and_later_scores_behind_the_blend(
    scores: Mapping[str, float], stages: list[tuple[str, str]], columns: list[str]
) -> None:
    table = explain_table(ranking(scores, *stages), rows=2)
    expected = ["before", "fused", "after", *columns, "relevance", "move"]
    assert [column.header for column in table.columns] == expected


@pytest.mark.slow
def test_search_that_is_explained_is_the_same(run: Run, tmp_path: Path) -> None:
    near = [
        f"The pump hums because its {part} is worn." for part in ("bearing", "seal", "shaft", "belt", "gear", "fan")
    ]
    texts = [*near, *(f"Sheet {number} lists the colours of part {number}." for number in range(25))]
    records = [{"id": f"d{number}", "title": f"T{number}", "text": text} for number, text in enumerate(texts)]
    file = tmp_path / "sheets.jsonl"
    file.write_text("\n".join(map(json.dumps, records)))
    run("ingest", str(file))
    asked = ("search", "why does the pump hum", "-n", "6")
    plain = run(*asked, "--json").json
    explained = run(*asked, "--explain").out
    after = re.findall(
        r"#(\d+) T(\d+)", "\n".join(line.split("│")[3] for line in explained.splitlines() if "│" in line)
    )
    assert [(int(rank), f"T{title}") for rank, title in after] == [(hit["rank"], hit["title"]) for hit in plain["hits"]]
    [note] = [stage["note"] for stage in plain["stages"] if stage["name"] == "rerank"]
    assert note.startswith("stopped after 12 of 31")
    assert "stopped after 12 of 31" in " ".join(explained.split())


def test_hit_that_only_a_second_search_found_is_new_and_has_no_place_before() -> None:
    fed = {"rerank": 3.0, "blend": 1.0, "like": 0.9, "feedback": 1.0}
    before = ranking(fed, ("rerank", "score"), ("feedback", "rank"))
    new = Hit(Passage("c", 0, text="text"), 0.7, rank=2, scores=fed, ranks={"feedback": 1})
    first, last = before.hits
    table = explain_table(replace(before, hits=[first, new, replace(last, rank=3)]), rows=3)
    assert [column.header for column in table.columns][3:-2] == ["rerank", "like", "feedback", "blend"]
    assert list(table.columns[0].cells) == ["#1 b#0", "#2 a#0", ""]
    assert list(table.columns[-1].cells) == ["[green]#2 -> #1[/green]", "[green]new[/green]", "#1 -> #3"]


def test_search_shows_where_the_words_are_and_says_what_the_verdict_means(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = "Oil the bearing of the pump every year, or else it hums."
    (tmp_path / "care.md").write_text("# Care\n\n" + "Keep everything dry and clean. " * 10 + f"{answer}\n")
    run("ingest", "care.md")
    found = run("search", "when to oil the bearing of the pump")
    assert answer in " ".join(found.out.replace("│", " ").split())
    assert re.search(r"^verdict: (good \(the first hit probably answers|weak \(the hits may answer)", found.out, re.M)
    explained = run("search", "when to oil the bearing of the pump", "--explain").out
    assert len(re.findall(r"care\.md:\d", explained)) == 2, "before and after"


def test_hits_that_are_only_in_the_order_before_are_explained_by_their_short_paths(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.md").write_text("# Pump bearing oil\n\nPump, bearing, oil: oil for the bearing of the pump.\n")
    (tmp_path / "care.md").write_text("# Care\n\nLubricate the shaft support every year in spring, or else it hums.\n")
    (tmp_path / "when.md").write_text("# Upkeep\n\nOil the bearing of the pump once a year, in spring.\n")
    run("ingest", "list.md", "care.md", "when.md")
    explained = run("search", "bearing oil pump spring or hum", "--explain", "-n", "1").out
    before, after = re.findall(r"(\S+\.md):1-3", explained)
    assert before != after, "the page holds only the second"
    assert {before, after} <= {"list.md", "care.md", "when.md"}


def test_order_that_is_not_that_of_the_relevance_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    def printed(*relevances: float | None) -> str:
        hits = [
            Hit(Passage(f"d{rank}", 0, text="It hums."), 1.0, rank=rank, relevance=relevance)
            for rank, relevance in enumerate(relevances, start=1)
        ]
        print_hits(Page(Ranking(hits, []), "unknown"), full=False)
        return capsys.readouterr().out

    assert "The order takes more into account than relevance." in printed(0.65, 0.70)
    for by_relevance in ((0.9, 0.9, 0.1), (0.6514, 0.6519), (None, None), (0.7, None, 0.3), ()):
        assert "The order" not in printed(*by_relevance)


def test_what_failed_stands_above_the_hits_too(capsys: pytest.CaptureFixture[str]) -> None:
    found = Ranking([Hit(Passage("d", 0, text="It hums."), 1.0, rank=1)], [], notes=["Reranking failed"], degraded=True)

    def lines(ranking: Ranking) -> list[str]:
        print_hits(Page(ranking, "unknown"), full=False)
        return capsys.readouterr().out.splitlines()

    shown = lines(found)
    assert (shown[0], shown[-2]) == ("note: Reranking failed",) * 2
    assert lines(replace(found, degraded=False)).count("note: Reranking failed") == 1


def test_hits_that_are_left_out_are_not_said_to_be_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_hits(Page(Ranking([], []), "good"), full=False)
    assert capsys.readouterr().out.startswith("No hits to show.")
    print_hits(Page(Ranking([], []), "none"), full=False)
    assert capsys.readouterr().out.startswith("Nothing found.")
