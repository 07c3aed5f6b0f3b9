"""Rerankers in the shape of Hugging Face's Text Embeddings Inference: `POST /rerank`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field

from ....api.requests import MAX_PASSAGES
from ....api.resift import Resift
from ....core.errors import InvalidInput
from ....core.text import listed
from ....core.values import Hit
from ....pipeline.page import Page
from .bodies import answer_json, shown
from .cohere import scored_hits

RERANKINGS = {
    "TEI": {"query": "what do bees do", "texts": ["The pump hums at night.", "Bees dance to tell where flowers are."]},
    "With texts, and scores as the model gives them": {
        "query": "what do bees do",
        "texts": ["The pump hums at night.", "Bees dance to tell where flowers are."],
        "raw_scores": True,
        "return_text": True,
    },
}


class TeiBody(BaseModel):
    """Texts to rerank, as TEI's clients send them."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(description="What to find; a full question works best")]
    texts: Annotated[list[str], Field(description=f"1-{MAX_PASSAGES} texts", min_length=1, max_length=MAX_PASSAGES)]
    raw_scores: Annotated[bool, Field(description="Scores of the model instead of probabilities")] = False
    return_text: Annotated[bool, Field(description="Whether results have their texts")] = False
    truncate: Annotated[bool | None, Field(description="Not used: long texts are read in windows")] = None
    truncation_direction: Annotated[
        Literal["right", "Right"], Field(description="Of a text that is too long, the beginning is read")
    ] = "right"


class TeiRank(BaseModel):
    """The place of a text in the list, and its score."""

    index: Annotated[int, Field(description="Position in `texts`, from 0")]
    score: Annotated[
        float,
        Field(description="Probability that it answers, or the model's score; 1/rank if it only orders"),
    ]
    text: str | None = None


def add_tei(router: APIRouter, resift: Resift) -> None:
    """Add the path."""

    @router.post("/rerank", response_model=list[TeiRank], response_model_exclude_none=True, tags=["models"])
    async def rerank_texts(body: Annotated[TeiBody, Body(openapi_examples=shown(RERANKINGS))]) -> Response:
        """Put texts in order of relevance to a query, in the shape of TEI, with the default reranker.

        If that only orders texts, as a language model does, the scores are 1/rank.
        """
        if blank := [place for place, text in enumerate(body.texts) if not text.strip()]:
            raise InvalidInput(f"Texts that are empty, by position in `texts`, from 0: {listed(blank)}.")
        page = await resift.rerank(body.query, body.texts, limit=len(body.texts))
        ranks = list[dict[str, float | str]]()
        for hit in scored_hits(page):
            score = _raw_score(hit, page) if body.raw_scores else hit.relevance or 0.0
            rank = {"index": (hit.was or hit.rank) - 1, "score": round(score, 6)}
            ranks.append({**rank, "text": body.texts[int(rank["index"])]} if body.return_text else {**rank})
        return answer_json(ranks)


def _raw_score(hit: Hit, page: Page) -> float:
    """Return the score of the last stage that read a hit: later stages of a cascade read fewer of them."""
    stages = [stage.name for stage in page.stages if stage.kind == "score"]
    return next((hit.scores[name] for name in reversed(stages) if name in hit.scores), hit.relevance or 0.0)
