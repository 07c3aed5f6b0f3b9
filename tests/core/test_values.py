from dataclasses import replace

from resift.core.values import Hit, Passage, Ranking


def test_passage_is_cited_by_document_and_number() -> None:
    assert Passage("docs/a.md", 3, text="text").id == "docs/a.md#3"
    assert Passage("loose", -1, text="text").id == "loose"


def test_content_puts_title_and_heading_above_the_text() -> None:
    assert Passage("d", 0, text="text", title="Title", heading="A > B").content == "Title\nA > B\ntext"
    assert Passage("d", 0, text="text").content == "text"


def test_point_id_is_the_same_each_time_and_differs_between_collections() -> None:
    one = Passage("d", 0, text="text")
    assert one.point_id("c") == Passage("d", 0, text="changed text").point_id("c")
    assert len({one.point_id("c"), one.point_id("e"), Passage("d", 1, text="").point_id("c")}) == 3


def test_passages_hits_and_rankings_are_short_in_a_prompt() -> None:
    passage = Passage("bees.md", 3, text="Bees make honey. " * 100, title="Bees", metadata={"year": 2020})
    hit = Hit(passage, score=0.5, rank=1, relevance=0.93, also_in=[passage] * 9)
    assert repr(hit).startswith("Hit(#1, score=0.500, relevance=0.93, Passage('bees.md#3', title='Bees', text=")
    assert repr(Ranking([hit] * 50, degraded=True)).startswith("Ranking(50 hits, first=Hit(#1, ")
    assert max(len(repr(value)) for value in (passage, hit, Ranking([hit] * 50))) < 250
    assert passage != replace(passage, metadata={}), "equality still looks at every field"
