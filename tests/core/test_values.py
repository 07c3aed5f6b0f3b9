from resift.core.values import Passage


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
