"""Vectors from an endpoint, against a real HTTP server that misbehaves as endpoints do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from resift.core.errors import ModelError
from resift.models.endpoint.client import Endpoint
from resift.models.endpoint.embeddings import Embeddings
from resift.tests.standins.chat import refusal
from resift.tests.standins.embeddings import DIMENSION, EmbeddingStandIn, embedding_stand_in
from resift.tests.standins.http import Answer

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret"


@pytest.fixture
def server() -> Iterator[EmbeddingStandIn]:
    with embedding_stand_in() as server:
        yield server


async def ask(server: EmbeddingStandIn, texts: list[str], *, dimension: int = 0, **changes: Any) -> list[Any]:
    endpoint = replace(Endpoint("small", server.url, api_key=KEY, timeout_s=60), **changes)
    model = Embeddings(endpoint, batch=2, dimension=dimension)
    try:
        return await model.embed(texts)
    finally:
        await model.close()


async def test_vectors_come_in_order_in_batches_and_of_length_one(server: EmbeddingStandIn) -> None:
    texts = ["one", "two two", "three", "four", "five"]
    vectors = await ask(server, texts)
    assert sorted(len(each["input"]) for each in server.asked) == [1, 2, 2]
    assert {each["model"] for each in server.asked} == {"small"}
    assert server.keys[0] == f"Bearer {KEY}"
    assert [len(each) for each in vectors] == [DIMENSION] * 5
    assert [float(np.linalg.norm(each)) for each in vectors] == pytest.approx([1] * 5)
    [alone] = await ask(server, ["three"])
    assert (alone == vectors[2]).all()


async def test_dimension_is_asked_for_and_checked(server: EmbeddingStandIn) -> None:
    [vector] = await ask(server, ["one"], dimension=8)
    assert len(vector) == 8
    assert server.asked[-1]["dimensions"] == 8
    server.next.append(Answer({"data": [{"index": 0, "embedding": [1.0] * 9}]}))
    with pytest.raises(ModelError, match="one vector of 8 numbers for each text"):
        await ask(server, ["one"], dimension=8)


async def test_passing_failure_is_asked_again(server: EmbeddingStandIn) -> None:
    server.next.append(refusal(503, "busy"))
    assert len(await ask(server, ["one"])) == 1
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            refusal(401, f"wrong key {KEY}"),
            r"refused the request with status 401: wrong key \*\*\*\. Check RESIFT_ENCODER__MODEL",
        ),
        (Answer({"data": [{"index": 0, "embedding": [1.0]}]}), "one vector for each text"),
        (Answer({"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]}), "one vector"),
        (Answer({"data": [{"index": n, "embedding": [0.0]} for n in (0, 1)]}), "a vector that is zero"),
        (Answer("<html>"), "one vector for each text"),
    ],
)
async def test_refusal_and_other_answers_are_our_errors(server: EmbeddingStandIn, answer: Answer, said: str) -> None:
    server.next.append(answer)
    with pytest.raises(ModelError, match=said) as failed:
        await ask(server, ["one", "two"])
    assert KEY not in str(failed.value)
    assert len(server.asked) == 1


async def test_silent_endpoint_is_given_up(server: EmbeddingStandIn) -> None:
    server.always = Answer(fault="hang")
    with pytest.raises(ModelError, match=r"small at 127\.0\.0\.1:\d+ did not answer"):
        await ask(server, ["one"], timeout_s=0.2, retries=0)


async def test_key_that_cannot_be_sent_is_not_shown(server: EmbeddingStandIn) -> None:
    with pytest.raises(ModelError, match=r"The API key for .* contains characters that cannot be sent") as failed:
        await ask(server, ["one"], api_key="sk-geheim\u00fc")
    assert "geheim" not in str(failed.value)
    assert not server.asked
