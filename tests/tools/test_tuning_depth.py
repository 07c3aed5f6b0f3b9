"""A depth that a collection is tuned for holds where a caller leaves the default, written out or not."""

from dataclasses import replace
from typing import Any

import pytest

from resift.factories.engine import Engine
from resift.ingest.job import Job
from resift.store.manifest import Tuning
from resift.tests.conftest import DOCUMENTS
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio

QUERY = "warning about cars in the blind spot"


@pytest.mark.parametrize(
    ("arguments", "read", "note"),
    [
        ({}, 3, "weights, depth tuned for this collection"),
        ({"depth": 0}, 3, "weights, depth tuned for this collection"),
        ({"depth": 50}, 11, "weights tuned for this collection"),
        ({"depth": 5}, 5, "weights tuned for this collection"),
        ({"depth": 5, "mode": "dense"}, 5, ""),
    ],
)
async def test_tuned_depth_holds_unless_another_is_asked_for(
    newest: Asker, engine: Engine, arguments: dict[str, Any], read: int, note: str
) -> None:
    await engine.services.ingestor.ingest(Job("default", DOCUMENTS, total=len(DOCUMENTS)))
    collection = await engine.services.pipeline.open("default")
    tuning = Tuning({"fused": 0.0, "rerank": 1.0}, 3, calibration=None, questions=20, gain=0.1, created="2026-07-01")
    reranker = engine.services.pipeline.rerankers.scorer("maxsim")
    assert reranker is not None
    await collection.remember(replace(collection.manifest, tuning={reranker.name: tuning}))
    answer = await newest.call(
        "search_and_rerank", {"query": QUERY, "reranker": "maxsim", "detail": "full", **arguments}
    )
    stage = answer["stages"][-1]
    notes = [part for part in stage["note"].split("; ") if "cache" not in part]
    assert (stage["name"], stage["received"], "; ".join(notes)) == ("rerank", read, note)
    if "weights" in note:
        by_rerank = [hit["ranks"]["rerank"] for hit in answer["hits"][:read]]
        assert by_rerank == list(range(1, min(read, 10) + 1))
