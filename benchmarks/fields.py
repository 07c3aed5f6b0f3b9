"""What a title's own vector adds: nDCG@10 of dense search by text, by title, and by both, on judged questions.

    python -m resift.benchmarks.fields FOLDER --data-dir DIR --collection NAME

FOLDER is in BEIR form; DIR is a data directory that holds its documents as the collection NAME,
as `resift eval` makes it.
"""

import argparse
from collections.abc import Mapping
from math import log2
from pathlib import Path
from statistics import fmean

import anyio
from rich.console import Console
from rich.table import Table

from resift.evaluation.judged import Judged, load, sample
from resift.pipeline.question import Question
from resift.server.engine import build_engine
from resift.server.settings import load_settings

WEIGHTS: tuple[Mapping[str, float], ...] = (
    {"text": 1},
    {"title": 1},
    {"text": 0.8, "title": 0.2},
    {"text": 0.6, "title": 0.4},
)


def ndcg(found: list[str], grades: Mapping[str, int]) -> float:
    """Return nDCG@10 with linear gain, as trec_eval has it."""
    gains = [grades.get(document, 0) / log2(place + 2) for place, document in enumerate(found[:10])]
    best = sum(grade / log2(place + 2) for place, grade in enumerate(sorted(grades.values(), reverse=True)[:10]))
    return sum(gains) / best if best else 0.0


async def measure(judged: Judged, data_dir: Path, collection: str) -> Table:
    """Return a row for each weighting."""
    engine = build_engine(load_settings(data_dir=data_dir))
    table = Table("fields", "nDCG@10", title=f"{collection}, {len(judged.queries)} questions, dense search alone")
    for fields in WEIGHTS:
        values: list[float] = []
        for key, query in judged.queries.items():
            asked = Question(query, collection=collection, mode="dense", fields=fields, per_document=1)
            hits = (await engine.services.pipeline.ask(asked)).ranking.hits
            values.append(ndcg([hit.passage.document_id for hit in hits], judged.grades[key]))
        table.add_row(str(dict(fields)), f"{fmean(values):.3f}")
    await engine.close()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    judged = sample(load(options.folder, "test"), options.questions, seed=1)
    Console().print(anyio.run(measure, judged, options.data_dir, options.collection))


if __name__ == "__main__":
    main()
