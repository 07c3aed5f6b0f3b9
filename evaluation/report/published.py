"""Published figures to stand beside ours on the same data, each with its source."""

from dataclasses import dataclass

PYSERINI = "Pyserini reproductions, BEIR v1.0.0"

FUSION = "Pyserini fusion"

MTEB = "MTEB results"

CARD = "model card of MiniLM-L-6-rerank-m3"


@dataclass(frozen=True, slots=True)
class Figure:
    """A system's nDCG@10 and, where it was published, R@100."""

    system: str
    ndcg_at_10: float
    recall_at_100: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a set has to be for its figures to be comparable: its name, and the size of corpus and test split."""

    name: str
    documents: int
    queries: int


PUBLISHED = {
    Benchmark("scifact", 5183, 300): (
        Figure("BM25 (Anserini, flat)", 0.679, 0.925, PYSERINI),
        Figure("all-MiniLM-L6-v2", 0.645, 0.925, MTEB),
        Figure("bge-small-en-v1.5", 0.713, 0.945, MTEB),
        Figure("bge-base-en-v1.5", 0.741, 0.967, PYSERINI),
        Figure("BM25 + bge-base, RRF k=60", 0.742, 0.977, FUSION),
        Figure("BM25 + bge-base, min-max average", 0.747, 0.970, FUSION),
        Figure("BM25 top 100 -> ms-marco-MiniLM-L-6-v2", 0.688, None, CARD),
        Figure("BM25 top 100 -> jina-reranker-v1-turbo", 0.739, None, CARD),
        Figure("BM25 top 100 -> bge-reranker-v2-m3", 0.731, None, CARD),
    ),
    Benchmark("nfcorpus", 3633, 323): (
        Figure("BM25 (Anserini, flat)", 0.322, 0.246, PYSERINI),
        Figure("all-MiniLM-L6-v2", 0.316, 0.312, MTEB),
        Figure("bge-small-en-v1.5", 0.343, 0.312, MTEB),
        Figure("bge-base-en-v1.5", 0.374, 0.337, PYSERINI),
        Figure("BM25 + bge-base, RRF k=60", 0.373, 0.339, FUSION),
        Figure("BM25 + bge-base, min-max average", 0.379, 0.338, FUSION),
        Figure("BM25 top 100 -> ms-marco-MiniLM-L-6-v2", 0.349, None, CARD),
        Figure("BM25 top 100 -> jina-reranker-v1-turbo", 0.353, None, CARD),
        Figure("BM25 top 100 -> bge-reranker-v2-m3", 0.336, None, CARD),
    ),
    Benchmark("fiqa", 57638, 648): (
        Figure("BM25 (Anserini, flat)", 0.236, 0.540, PYSERINI),
        Figure("all-MiniLM-L6-v2", 0.369, 0.706, MTEB),
        Figure("bge-small-en-v1.5", 0.403, 0.696, MTEB),
        Figure("bge-base-en-v1.5", 0.407, 0.742, PYSERINI),
        Figure("BM25 + bge-base, RRF k=60", 0.367, 0.716, FUSION),
        Figure("BM25 + bge-base, min-max average", 0.394, 0.704, FUSION),
        Figure("BM25 top 100 -> ms-marco-MiniLM-L-6-v2", 0.349, None, CARD),
        Figure("BM25 top 100 -> jina-reranker-v1-turbo", 0.336, None, CARD),
        Figure("BM25 top 100 -> bge-reranker-v2-m3", 0.397, None, CARD),
    ),
}


def figures(name: str, *, documents: int, queries: int) -> tuple[Figure, ...]:
    """Return the published figures of a set; none for a sample of its queries or a part of its corpus."""
    return PUBLISHED.get(Benchmark(name, documents, queries), ())
