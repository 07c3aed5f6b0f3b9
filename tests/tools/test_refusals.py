"""Each failure that was foreseen is told, with what to do next; and one bad file does not stop the others."""

import re
from pathlib import Path
from typing import Any

import pytest

from resift.factories.engine import Engine
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio

REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("search_and_rerank", {"query": " \n"}, r"query is empty\. Ask in words"),
    ("hybrid_search", {"query": ""}, r"query is empty\. Ask in words"),
    ("rerank", {"query": "", "passages": ["a"]}, r"query is empty\. Ask in words"),
    ("search_and_rerank", {"query": "pad " * 250_000}, r"1,000,000 characters.*Ask a shorter"),
    ("rerank", {"query": "pad " * 250_000, "passages": ["a"]}, r"1,000,000 characters.*Ask a shorter"),
    ("hybrid_search", {"query": "pads", "collection": "defualt"}, r"No collection 'defualt'\. Did you mean 'default'"),
    ("hybrid_search", {"query": "pads", "collection": "a/../b"}, r"not a valid collection name\. Use up to 64 letters"),
    ("list_collections", {"collection": "cars"}, r"No collection 'cars'\. Known: default\. Call list_collections"),
    ("hybrid_search", {"query": "pads", "filter": {"sistem": "x"}}, r"'sistem'\. Did you mean 'system'\? Known fields"),
    ("hybrid_search", {"query": "pads", "filter": {"year": {"above": 1}}}, r"use gte, gt, lte or lt for a range"),
    ("search_and_rerank", {"query": "x", "reranker": "maxsin"}, r"Unknown reranker 'maxsin'\. Did you mean 'maxsim'"),
    ("rerank", {"query": "pads", "passages": ["a"], "reranker": "none"}, r"reorders nothing\. Known: default"),
    ("rerank", {"query": "pads", "passages": []}, r"Pass 1 to 200 passages, not 0\. Choose"),
    ("rerank", {"query": "pads", "passages": ["a"] * 201}, r"Pass 1 to 200 passages, not 201\. Choose"),
    ("rerank", {"query": "pads", "passages": ["a", " "]}, r"Passages without text.*: 2\. Leave them out"),
    ("search_and_rerank", {"query": "pads", "limit": 0}, r"limit: 0 is below the minimum of 1\. Correct"),
    ("search_and_rerank", {}, r"The query is empty\. Ask in words"),
    ("search_and_rerank", {"query": "pads", "mode": "fuzzy"},
        r"mode: .*'hybrid', 'dense' or 'keyword', not \"fuzzy\"\. Correct"),
    ("read_document", {"document_id": "brakes", "passage_id": "brakes#0"}, r"Pass either document_id .* or passage_id"),
    ("read_document", {}, r"Pass either document_id .* or passage_id"),
    ("read_document", {"passage_id": "brakes"},
        r"'brakes' is not a passage id\. Passage ids look like .*Take one from a hit"),
    ("read_document", {"passage_id": "brakes#-1"}, r"is not a passage id"),
    ("read_document", {"passage_id": "brakes#7"}, r"No passage 'brakes#7' .*from a hit"),
    ("read_document", {"document_id": "nothing"}, r"No document 'nothing' .*or search"),
    ("ingest_documents", {}, r"Nothing to ingest\. Pass"),
    ("ingest_documents", {"documents": [{"text": "x"}], "prune": True}, r"pass `paths`, or leave it out"),
    ("ingest_documents", {"documents": [{"txt": "x"}]}, r"documents\.0\.text: Field required.*documents\.0\.txt"),
    ("ingest_documents", {"documents": [{"text": "x", "id": "i" * 1001}]}, r"id: .*at most 1000 characters, not 1,001"),
    ("ingest_documents", {"documents": ["Dogs bark."]}, r'0: Input should be an object such as \{"text": "\.\.\."\}\.'),
    ("ingest_documents", {"documents": "Dogs bark."}, r"documents: Input should be a list, not a string\. Correct"),
    ("delete_documents", {"collection": "default", "everything": "yes"}, r"everything: Input should be true or false"),
    ("delete_documents", {"collection": "default", "document_ids": [7]},
        r"ids\.0: Input should be a string, not 7\. Correct"),
    ("rerank", {"query": "pads", "passages": {}}, r"passages: Input should be a list\. Correct"),
    ("rerank", {"query": "pads", "passages": [{"content": "x"}]},
        r"passages\.0\.text: Field required; passages\.0\.content: unknown field\. Did you mean 'text'"),
    ("ingest_documents", {"documents": [{"content": "x"}]}, r"0\.content: unknown field\. Did you mean 'text'"),
    ("search_and_rerank", {"q": "pads"}, r"no argument 'q'\. Did you mean 'query'"),
    ("search_and_rerank", {"query": "pads", "top_k": 3}, r"no argument 'top_k'\. Did you mean 'limit'"),
    ("ingest_documents", {"content": "x"}, r"no argument 'content'\. Did you mean 'documents'"),
    ("rerank", {"query": "pads", "documents": ["a"], "passages": ["a"]}, r"'documents'\. Did you mean 'passages'"),
    ("delete_documents", {"collection": "default"}, r"Give document_ids, a filter, or everything=true"),
    ("delete_documents", {"collection": "default", "everything": True, "document_ids": ["a"]}, r"leave out"),
    ("delete_documents", {"collection": "default", "filter": {"year": {"gte": 1}}}, r"all 4 documents.*Nothing was"),
    ("delete_documents", {"collection": "nowhere", "everything": True}, r"No collection 'nowhere'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message"), REFUSALS, ids=range(len(REFUSALS)))
async def test_call_that_cannot_be_answered_says_what_to_do(
    reader: Asker, name: str, arguments: dict[str, Any], message: str
) -> None:
    assert re.search(message, await reader.refusal(name, arguments), re.DOTALL)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hybrid_search", {"query": "x", "collection": "c" * 200_000}),
        ("hybrid_search", {"query": "x", "filter": {"f" * 200_000: 1}}),
        ("search_and_rerank", {"query": "x", "reranker": "r" * 200_000}),
        ("search_and_rerank", {"query": "x", "u" * 200_000: 1}),
        ("read_document", {"document_id": "d" * 200_000}),
        ("read_document", {"passage_id": "p" * 200_000}),
    ],
)
async def test_refusal_does_not_send_a_huge_value_back(reader: Asker, name: str, arguments: dict[str, Any]) -> None:
    message = await reader.refusal(name, arguments)
    assert len(message) < 2_100
    assert message.endswith(".")


async def test_deleting_an_unknown_id_deletes_nothing(reader: Asker) -> None:
    gone = await reader.call("delete_documents", {"collection": "default", "document_ids": ["nothing"]})
    assert (gone["documents"], gone["passages"], gone["missing"]) == (0, 0, ["nothing"])


async def test_each_bad_file_is_one_failure_and_the_good_one_goes_in(tools: Asker, engine: Engine, era: str) -> None:
    root = engine.services.roots.folders[0]
    folder = root / f"files-{era}"
    folder.mkdir()
    outside = root.parent / f"outside-{root.name}.md"
    outside.write_text("outside")
    (folder / "good.md").write_text("# Pump\n\nThe pump hums at night.", encoding="utf-8")
    (folder / "link.md").symlink_to(outside)
    (folder / "binary.md").write_bytes(b"\x7fELF\0\0\0")
    (folder / "empty.md").write_bytes(b"")
    (folder / "latin.md").write_bytes("# Größe".encode("latin-1"))
    named = [str(folder / name) for name in ("good.md", "link.md", "binary.md", "empty.md", "latin.md", "missing.md")]
    paths = [*named, str(outside), str(folder / ".." / ".." / outside.name)]

    taken = await tools.call("ingest_documents", {"paths": paths, "collection": f"files-{era}"})

    assert (taken["added"], taken["failed"]) == (2, 6)  # the encoding of latin.md is guessed
    reasons = {Path(each["source"]).name: each["reason"] for each in taken["failures"]}
    assert {each["source"] for each in taken["failures"]} >= {f"{folder.name}/binary.md", f"{folder.name}/empty.md"}
    assert "outside the folders Resift may read" in reasons["link.md"]
    assert "outside the folders Resift may read" in reasons[outside.name]
    assert "is binary" in reasons["binary.md"]
    assert "has no text" in reasons["empty.md"]
    assert "Check the spelling" in reasons["missing.md"]
    found = await tools.call("hybrid_search", {"query": "pump", "collection": f"files-{era}"})
    assert [hit["source"] for hit in found["hits"]] == [f"{folder.name}/good.md:1-3", f"{folder.name}/latin.md:1"]


async def test_link_out_of_the_roots_is_not_followed_inside_a_folder(tools: Asker, engine: Engine, era: str) -> None:
    root = engine.services.roots.folders[0]
    outside = root.parent / f"secrets-{root.name}"
    outside.mkdir(exist_ok=True)
    (outside / "secret.md").write_text("the secret word is xylophone")
    folder = root / f"linked-{era}"
    folder.mkdir()
    (folder / "note.md").write_text("a harmless note on gardens")
    (folder / "away").symlink_to(outside)
    taken = await tools.call("ingest_documents", {"paths": [str(folder)], "collection": f"linked-{era}"})
    assert taken["added"] == 1
    found = await tools.call("hybrid_search", {"query": "xylophone", "collection": f"linked-{era}"})
    assert all("secret" not in hit["text"] for hit in found["hits"])


async def test_prune_removes_documents_whose_files_are_gone(tools: Asker, engine: Engine, era: str) -> None:
    folder = engine.services.roots.folders[0] / f"pruned-{era}"
    folder.mkdir()
    for name in ("kept.md", "gone.md"):
        (folder / name).write_text(f"about {name}")
    call = {"paths": [str(folder)], "collection": f"pruned-{era}", "prune": True}
    await tools.call("ingest_documents", call)
    (folder / "gone.md").unlink()
    taken = await tools.call("ingest_documents", call)
    assert (taken["removed"], taken["unchanged"]) == (1, 1)


async def test_failed_ingestion_leaves_no_empty_collection(tools: Asker, era: str) -> None:
    refused = await tools.refusal("ingest_documents", {"documents": [{"text": " "}], "collection": f"empty-{era}"})
    assert refused.startswith(f"Nothing was ingested into 'empty-{era}'. documents.0: The document has no text.")
    assert "No collection" in await tools.refusal("list_collections", {"collection": f"empty-{era}"})


async def test_document_with_unusable_metadata_is_one_failure(tools: Asker, era: str) -> None:
    documents: list[dict[str, Any]] = [
        {"text": "nested", "metadata": {"a": {"b": 1}}, "id": "nested"},
        {"text": "plain", "metadata": {"a": 1}},
    ]
    taken = await tools.call("ingest_documents", {"documents": documents, "collection": f"metadata-{era}"})
    assert (taken["added"], taken["failed"]) == (1, 1)
    assert "Use a text, a number, true/false, or a list" in taken["failures"][0]["reason"]


async def test_text_without_an_id_is_named_by_its_position_and_title(tools: Asker, era: str) -> None:
    documents: list[dict[str, Any]] = [
        {"text": "Pumps hum.", "title": "Pumps", "metadata": {"year": 2020}},
        {"text": "", "title": "Quarterly"},
        {"text": " ", "title": "Quarterly"},
        {"text": "Pumps hum.", "title": "Pumps", "metadata": {"year": 2021}},
        {"text": "Pumps hum.", "title": "Pumps", "metadata": {"year": 2020}},
        {"text": "Bees dance.", "metadata": {"year": "soon"}},
        {"text": "", "source": "minutes.md", "title": "Minutes"},
        {"text": "", "id": "own", "title": "Own"},
    ]
    taken = await tools.call("ingest_documents", {"documents": documents, "collection": f"places-{era}"})
    assert (taken["added"], taken["unchanged"], taken["failed"]) == (2, 1, 5)
    reasons = {each["source"]: each["reason"] for each in taken["failures"]}
    repeated = reasons.pop('documents.3 ("Pumps")')
    assert repeated.startswith("An earlier document of this call has the same title and text, but other metadata.")
    assert list(reasons) == ['documents.1 ("Quarterly")', 'documents.2 ("Quarterly")', "minutes.md", "own"]
    assert all("has no text" in each for each in reasons.values())
    assert 'other values: documents.5 ("soon")' in taken["notes"][0]


async def test_unusable_metadata_of_a_call_is_refused_once(tools: Asker, engine: Engine, era: str) -> None:
    folder = engine.services.roots.folders[0] / f"named-{era}"
    folder.mkdir()
    for name in ("a.md", "b.md", "c.odt"):
        (folder / name).write_text("Some text.")
    refused = await tools.refusal("ingest_documents", {"paths": [str(folder)], "metadata": {"document_id": "x"}})
    assert refused == "Metadata field 'document_id' has a name that is reserved or unusable. Rename it."


async def test_path_no_file_system_can_hold_is_one_failure(tools: Asker, era: str) -> None:
    paths = ["x" * 100_000, "a\0b"]
    taken = await tools.call(
        "ingest_documents", {"paths": paths, "documents": [{"text": "a"}], "collection": f"unusable-{era}"}
    )
    assert (taken["added"], taken["failed"]) == (1, 2)


async def test_call_that_takes_nothing_in_is_an_error_that_says_why(tools: Asker, engine: Engine, era: str) -> None:
    folder = engine.services.roots.folders[0] / f"papers-{era}"
    (folder / ".git").mkdir(parents=True)
    for name, data in {"a.odt": b"PK", "b.odt": b"PK", "c.md": b"", "d.md": b" \n", "e": b"\0"}.items():
        (folder / name).write_bytes(data)
    refused = await tools.refusal("ingest_documents", {"paths": [str(folder)], "collection": "papers"})
    assert refused.startswith(
        "Nothing was ingested into 'papers'. Skipped 2 .odt files, 1 binary file, 1 blank file, 1 empty file, "
        "1 folder of version control. Resift cannot read .odt files. Convert those that matter to text."
    )
    assert "markdown (.markdown .md" in refused
    (folder / "f.md").write_text("Some text.")
    taken = await tools.call("ingest_documents", {"paths": [str(folder)], "collection": "papers"})
    assert taken["skipped"] == {"odt": 2, "binary": 1, "blank": 1, "empty": 1, "folders of version control": 1}
    assert taken["notes"][0].startswith("Skipped 2 .odt files, 1 binary file")
    assert "No file" in await tools.refusal("ingest_documents", {"paths": [str(folder / "*.rst")]})


@pytest.mark.parametrize("path", ["https://example.com/a.md", ".env", "docs/*.md"])
async def test_path_that_cannot_be_taken_is_refused_with_what_to_do(tools: Asker, engine: Engine, path: str) -> None:
    (engine.services.roots.folders[0] / ".env").write_text("KEY=secret")
    refused = await tools.refusal("ingest_documents", {"paths": [path], "collection": "refused"})
    assert any(
        advice in refused for advice in ("whoever runs it sets", "copy it under another name", "Check the spelling")
    )
