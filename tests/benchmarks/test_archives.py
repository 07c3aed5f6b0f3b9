"""Graded lists in the repository: what their README says of them, and the default order on an archive never seen."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import resift.benchmarks
from resift.benchmarks.graded.__main__ import BY_DEFAULT, HYBRID, SYSTEMS, Plan, measure
from resift.evaluation.graded import GradedPool, read_pools
from resift.factories.engine import build_engine
from resift.settings.load import load_settings

ARCHIVES = Path(resift.benchmarks.__path__[0]) / "archives"

HELD_OUT = "personal"  # one of those that the bundled reranker has not learned from


@pytest.fixture(scope="module")
def pools() -> dict[str, GradedPool]:
    return read_pools(ARCHIVES)


def test_readme_counts_what_is_there(pools: dict[str, GradedPool]) -> None:
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|", (ARCHIVES / "README.md").read_text(), re.MULTILINE)
    lines = (ARCHIVES / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    passages = Counter(json.loads(line)["_id"].partition("/")[0] for line in lines)
    assert {name: [int(each) for each in counts] for name, *counts in rows} == {
        name: [
            passages[name],
            len(pool.questions),
            sum(not question.is_answered for question in pool.questions.values()),
        ]
        for name, pool in pools.items()
    }


def test_every_question_has_sixteen_passages_of_its_archive(pools: dict[str, GradedPool]) -> None:
    for name, pool in pools.items():
        for question in pool.questions.values():
            assert len(question.grades) == 16
            assert {each.partition("/")[0] for each in question.grades} == {name}


@pytest.mark.slow
@pytest.mark.anyio
async def test_default_order_helps_more_questions_of_an_archive_never_seen_than_it_hurts(
    pools: dict[str, GradedPool], tmp_path: Path
) -> None:
    systems = {name: SYSTEMS[name] for name in (HYBRID, BY_DEFAULT)}
    engine = build_engine(load_settings(data_dir=tmp_path))
    try:
        run = await measure(engine, Plan([pools[HELD_OUT]], systems), reranker="bundled", scores=None)
    finally:
        await engine.close()
    gains = [each.values[BY_DEFAULT]["nDCG@5"] - each.values[HYBRID]["nDCG@5"] for each in run.outcomes]
    assert sum(gain > 0.01 for gain in gains) > 1.5 * sum(gain < -0.01 for gain in gains)
    assert sum(gains) / len(gains) > 0.02
