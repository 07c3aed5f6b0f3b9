"""What tuning computes from one deep search equals a search with those weights and that depth."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from resift.core.values import Document
from resift.evaluation.judged import JudgedSet
from resift.evaluation.measures import per_query
from resift.evaluation.tuning.ranking_fit import DEPTHS, SIGNALS
from resift.evaluation.tuning.samples import collect_samples, ndcg, signals_present
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.pipeline.request import SearchRequest
from resift.settings.load import load_settings
from resift.store.manifest import Tuning

pytestmark = pytest.mark.anyio

PARTS = (
    "pump",
    "lamp",
    "valve",
    "hinge",
    "fan",
    "belt",
    "hose",
    "gauge",
    "filter",
    "spring",
    "clutch",
    "shaft",
    "seal",
)
PLACES = ("cellar", "attic", "roof", "gate", "garden", "kitchen", "workshop", "garage", "stable", "office")
QUERY = "which {} near the {} was repaired"


def documents() -> list[Document]:
    """Return 130 reports, no two of a length, so that BM25 has no ties; every third has no date."""
    found: list[Document] = []
    for number, (part, place) in enumerate((part, place) for part in PARTS for place in PLACES):
        metadata = {"kind": place} | ({"date": f"20{10 + number % 16}-05-01"} if number % 3 else {})
        text = f"The {part} of the {place} was repaired. " + "Loud " * number
        found.append(Document(f"d{number}", f"Report {number}", text=text, source="", metadata=metadata))
    return found


@pytest.fixture(scope="module")
async def dated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """An engine that knows of dates and kinds, with the documents in its collection "default"."""
    blend = {"recency_field": "date", "recency_half_life_days": 2000, "boost": {"kind": {"attic": 2, "roof": 0}}}
    folder = tmp_path_factory.mktemp("dated")
    engine = build_engine(load_settings(data_dir=folder, blend=blend), roots=[folder])
    assert (await engine.services.ingestor.ingest(Job("default", documents(), total=130))).added == 130
    yield engine
    await engine.close()


@pytest.mark.slow
async def test_computed_ndcg_equals_that_of_real_searches(dated: Engine) -> None:
    random = np.random.default_rng(6)
    picked = [int(number) for number in random.permutation(130)[:5]]
    queries = {f"q{n}": QUERY.format(PARTS[n // 10], PLACES[n % 10]) for n in picked}
    grades = {f"q{n}": {f"d{n}": 3, f"d{(n + 10) % 130}": 1, f"d{(n + 1) % 130}": 2} for n in picked}
    judged = JudgedSet("judged", queries=queries, grades=grades)
    pipeline = dated.services.pipeline
    asked = SearchRequest("", reranker="maxsim")
    samples = await collect_samples(pipeline, judged, asked, now=datetime.now(UTC))
    names = signals_present(samples, SIGNALS)
    assert names == list(SIGNALS)

    reranker, collection = pipeline.rerankers.scorer("maxsim"), await pipeline.open("default")
    assert reranker is not None
    for depth in DEPTHS:
        weights = random.dirichlet(np.ones(len(names)))
        tuning = Tuning(
            dict(zip(names, weights.tolist(), strict=True)), depth, calibration=None, questions=20, gain=0.0, created=""
        )
        await collection.remember(replace(collection.manifest, tuning={reranker.name: tuning}))
        orders: dict[str, list[str]] = {}
        for key, query in queries.items():
            page = await pipeline.search(replace(asked, query=query, per_document=1))
            orders[key] = [hit.passage.document_id for hit in page.ranking.hits]
        expected = list(per_query(grades, orders, ["nDCG@10"])["nDCG@10"].values())
        found = [ndcg(sample, depth, names, weights[None, :])[0] for sample in samples]
        assert found == pytest.approx(expected, abs=1e-9), f"depth {depth}"
