"""Texts are found whichever Unicode form they and the question are in: "é" as one character or as two."""

import unicodedata
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from resift import Resift
from resift.api.requests import DocumentInput
from resift.core.text import clean, composed
from resift.ingest.text.decoding import decode

pytestmark = pytest.mark.anyio

EARLY, HIGH = "Das Café öffnet früh. " * 20, "Der Münster misst 12 m. " * 20

PAGE = f"# Über die Mühle\n\n{EARLY}\n\n## Größe\n\n{HIGH}\n"


def one(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def two(text: str) -> str:
    return unicodedata.normalize("NFD", text)


FORMS = (pytest.param(one, id="composed"), pytest.param(two, id="decomposed"))


@pytest.fixture(scope="module")
async def resift(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Resift]:
    folder = tmp_path_factory.mktemp("forms")
    notes = folder / "notes"
    notes.mkdir()
    (notes / two("Mühle.md")).write_text(two(PAGE), encoding="utf-8")
    (notes / "entities.html").write_text("<p>The cre&#x300;me bru&#x302;le&#x301;e.</p>", encoding="utf-8")
    entry: DocumentInput = {
        "id": "menu",
        "title": two("Menü"),
        "text": two("Crêpes and soufflé."),
        "metadata": {two("für"): two("Zoë")},
    }
    async with Resift(data_dir=folder / "data", ingest_roots=(notes,)) as opened:
        report = await opened.ingest([notes], documents=[entry])
        assert (report.added, report.failures) == (3, ())
        yield opened


async def found(resift: Resift, query: str, **options: Any) -> list[str]:
    asked: dict[str, Any] = {"mode": "keyword", "reranker": "none", **options}
    page = await resift.search(query, **asked)
    return [composed(hit.passage.source or hit.passage.document_id).rpartition("/")[2] for hit in page.hits]


@pytest.mark.parametrize("form", FORMS)
async def test_words_and_values_are_found_in_either_form(resift: Resift, form: Any) -> None:
    assert await found(resift, form("Café")) == ["Mühle.md"]
    assert await found(resift, form("soufflé")) == ["menu"]
    assert await found(resift, form("brûlée")) == ["entities.html"]
    every: dict[str, Any] = {"mode": "dense", "per_document": 1}
    assert await found(resift, "food", filter={"text": {"match": form("öffnet")}}, **every) == ["Mühle.md"]
    assert await found(resift, "food", filter={form("für"): form("Zoë")}, **every) == ["menu"]
    assert await found(resift, "food", filter={form("für"): {"prefix": form("Zoë")}}, **every) == ["menu"]
    assert await found(resift, "food", filter={"title": form("Menü")}, **every) == ["menu"]
    assert await found(resift, "food", filter={"source": form("Mühle.md")}, **every) == ["Mühle.md"]
    assert await found(resift, "food", filter={"source": {"prefix": form("Müh")}}, **every) == ["Mühle.md"]
    assert await found(resift, "food", filter={"path": {"match": form("Mühle")}}, **every) == ["Mühle.md"]
    boosted = await found(resift, "food", boost={one("für"): {form("Zoë"): 2.0}}, limit=1, mode="dense")
    assert boosted == ["menu"]


@pytest.mark.parametrize("form", FORMS)
async def test_passages_keep_their_lines_and_headings_and_files_their_names(resift: Resift, form: Any) -> None:
    page = await resift.search(form("Münster"), reranker="none", mode="keyword")
    passage = page.hits[0].passage
    assert passage.text.startswith("## Größe\n\nDer Münster misst 12 m.")
    assert (passage.title, passage.heading) == ("Über die Mühle", "Größe")
    assert (passage.start_line, passage.end_line) == (5, 7)
    assert passage.document_id.endswith(two("Mühle.md"))
    extract = await resift.read(form("Mühle.md"))
    assert extract.passages[0].document_id == passage.document_id


async def test_value_that_no_passage_has_is_told_once(resift: Resift) -> None:
    page = await resift.search("food", filter={"für": two("Zoé")}, reranker="none")
    assert 'No passage has "Zoé" as \'für\'. Did you mean "Zoë"?' in composed(" ".join(page.notes))


def test_texts_in_composed_form_stay_the_same_object() -> None:
    for text in ("plain", "Crêpes für Zoë", "数据库连接池"):
        assert composed(text) is text
    assert clean(two(" Zoë ")) == one("Zoë")
    assert decode(two("Zoë\r\nä").encode(), "a.txt").text == one("Zoë\nä")
