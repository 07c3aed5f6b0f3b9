"""Keep the scores of a reranker in a file, so that another blend or an interrupted run does not read passages again."""

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from resift.core.query import Query
from resift.core.values import Passage
from resift.pipeline.search import Pipeline
from resift.rerank.protocols import Scorer, Scores, WrappedScorer


class ScoreFile:
    """Scores by model, query and text of the passage. What is read is written at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("CREATE TABLE IF NOT EXISTS scores (pair BLOB PRIMARY KEY, score REAL) WITHOUT ROWID")

    def keep(self, pipeline: Pipeline) -> Pipeline:
        """Return a pipeline over the same store that reads only pairs without a score in the file."""
        return pipeline.with_scorers(lambda scorer: _FiledScorer(scorer, self))

    async def score(self, scorer: Scorer, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return the scores of the passages; only those without one are read."""
        keys = [_key(scorer, query, each) for each in passages]
        known = {key: found for key in keys if (found := self._find(key)) is not None}
        missing = {key: each for key, each in zip(keys, passages, strict=True) if key not in known}
        if missing:
            scores = (await scorer.score(query, list(missing.values()))).check(scorer, len(missing))
            fresh = dict(zip(missing, scores.values, strict=True))
            self._file.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", fresh.items())
            known |= fresh
        return Scores(tuple(known[key] for key in keys), cached=len(passages) - len(missing))

    def _find(self, key: bytes) -> float | None:
        row = self._file.execute("SELECT score FROM scores WHERE pair = ?", (key,)).fetchone()
        return None if row is None else row[0]


class _FiledScorer(WrappedScorer):
    """A reranker whose scores are kept in a file."""

    def __init__(self, scorer: Scorer, file: ScoreFile) -> None:
        super().__init__(scorer)
        self._file = file

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        return await self._file.score(self.scorer, query, passages)


def _key(scorer: Scorer, query: Query, passage: Passage) -> bytes:
    parts = (scorer.name, scorer.fingerprint, query.text, query.instruction, passage.content)
    return blake2b("\0".join(parts).encode(), digest_size=16).digest()
