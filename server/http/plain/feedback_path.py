"""`POST /v1/feedback`: which hits of a search were used."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field

from ....api.resift import Resift
from ....tools.record_feedback import FeedbackResult
from .bodies import answer_json, shown

FEEDBACK = {
    "Hits that helped to answer": {"search_id": "9f0c2b7d51e84a36", "used": ["bees#0"]},
    "Hits that helped, and those that did not": {
        "search_id": "9f0c2b7d51e84a36",
        "used": ["bees#0"],
        "not_used": ["wasps#0"],
    },
}


class FeedbackBody(BaseModel):
    """Which hits of a search were used, and which were not."""

    model_config = ConfigDict(extra="forbid")

    search_id: Annotated[str, Field(description="From the answer of `POST /v1/search`")]
    used: Annotated[list[str], Field(description="`passage_id` of the hits that helped to answer")] = []
    not_used: Annotated[list[str], Field(description="`passage_id` of the hits that did not")] = []


def add_feedback(router: APIRouter, resift: Resift) -> None:
    """Add the path."""

    @router.post("/v1/feedback", response_model=FeedbackResult, tags=["collections"])
    async def record_feedback(body: Annotated[FeedbackBody, Body(openapi_examples=shown(FEEDBACK))]) -> Response:
        """Report which hits of a search were used, to tune the ranking with `resift tune --feedback`.

        Searches have a `search_id` if the server has `RESIFT_FEEDBACK=true`. A later report on a hit replaces an
        earlier one. Needs a token that may use every collection that was searched; one that may only read will do.
        """
        await resift.record_feedback(body.search_id, used=body.used, not_used=body.not_used)
        return answer_json({"used": len(body.used), "not_used": len(body.not_used)})
