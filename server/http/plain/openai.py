"""Embeddings in the shape of OpenAI: `POST /v1/embeddings` and `GET /v1/models`."""

import time
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import numpy as np
from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ....api.resift import Resift
from ....api.texts import MAX_TEXTS, Texts, TextVectors
from ....core.errors import InvalidInput, NotFound, nearest
from ....core.text import agreeing, counted, listed
from ....core.vectors import Vector
from ....pipeline.request import DEFAULT
from .bodies import answer_json, shown

EMBEDDINGS = {
    "Texts": {"model": "default", "input": ["Bees dance to tell where flowers are.", "The pump hums at night."]},
    "A query": {"input": "what do bees do", "input_type": "query", "encoding_format": "base64"},
}

QUERY_TYPES = frozenset({"query", "search_query"})


def _strings(given: Any) -> Any:
    """Return a list of strings.

    Raises:
        ValueError: There are tokens in it, which mean something else to every model.
    """
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, list) and any(isinstance(each, int | list) for each in cast("list[Any]", texts)):
        raise ValueError(
            "Token ids cannot be read, because every model has a tokenizer of its own. Send strings; LangChain's "
            "OpenAIEmbeddings does with check_embedding_ctx_length=False"
        )
    return cast("Any", texts)


class EmbeddingsBody(BaseModel):
    """Texts to encode, as OpenAI's clients send them."""

    model_config = ConfigDict(extra="forbid")

    input: Annotated[
        list[str],
        BeforeValidator(_strings, json_schema_input_type=str | list[str]),
        Field(description=f"A string, or up to {MAX_TEXTS:,} of them; token ids are refused"),
    ]
    model: Annotated[str | None, Field(description='The encoder of the server, or "default"')] = None
    encoding_format: Annotated[
        Literal["float", "base64"] | None, Field(description="base64: of 32-bit numbers, little-endian")
    ] = None
    dimensions: Annotated[int | None, Field(description="Only the model's own number", ge=1)] = None
    input_type: Annotated[
        Literal["passage", "document", "search_document", "query", "search_query"] | None,
        Field(description="For models that read queries and passages differently. Default: passage"),
    ] = None
    user: Annotated[str | None, Field(description="Accepted from OpenAI's clients, not used")] = None


class EncodedInput(BaseModel):
    """The vector of one text, of length 1."""

    object: str
    index: int
    embedding: Annotated[list[float] | str, Field(description="A list of numbers, or base64 of them")]


class EmbeddingsResponse(BaseModel):
    """Vectors in the order of the texts."""

    object: str
    model: str
    data: list[EncodedInput]
    usage: Annotated[dict[str, int], Field(description="`prompt_tokens` and `total_tokens` of the whole texts")]
    warnings: Annotated[list[str], Field(description="Such as texts that were cut")] = []


class ModelEntry(BaseModel):
    """A model that requests can name."""

    id: str
    object: str
    created: Annotated[int, Field(description="When the server started, in seconds since 1970")]
    owned_by: str
    kind: Annotated[str, Field(description="`encoder` or `reranker`")]


class ModelList(BaseModel):
    """The encoder, then the rerankers."""

    object: str
    data: list[ModelEntry]


def add_embeddings(router: APIRouter, resift: Resift, texts: Texts) -> None:
    """Add the paths."""
    started = int(time.time())

    @router.post(
        "/v1/embeddings", response_model=EmbeddingsResponse, response_model_exclude_unset=True, tags=["models"]
    )
    async def embed(body: Annotated[EmbeddingsBody, Body(openapi_examples=shown(EMBEDDINGS))]) -> Response:
        """Return the vectors of texts, in the shape of OpenAI.

        They come from the encoder that the collections are written with. `model` is its name, `default`, or left out;
        other names are refused, because vectors of two models must not be mixed. Resift's extension `input_type` says
        whether the texts are queries or passages. Texts longer than the model reads are cut, and `warnings` says so.
        """
        _check_model(body.model or DEFAULT, texts.model)
        _check_dimension(body.dimensions, texts.dimension)
        encoded = await texts.embed(body.input, query=body.input_type in QUERY_TYPES)
        _check_dimension(body.dimensions, len(encoded.vectors[0]))
        return answer_json(_answer(encoded, model=texts.model, as_base64=body.encoding_format == "base64"))

    @router.get("/v1/models", response_model=ModelList, tags=["models"])
    async def list_models() -> Response:
        """List the encoder and the rerankers."""
        return answer_json({"object": "list", "data": _models(resift, texts, started)})

    @router.get("/v1/models/{model:path}", response_model=ModelEntry, tags=["models"])
    async def show_model(model: str) -> Response:
        """Return the encoder or a reranker."""
        known = {each["id"]: each for each in _models(resift, texts, started)}
        if model not in known:
            raise NotFound(f"Unknown model {model!r}.{nearest(model, known)} Known: {listed(known)}.")
        return answer_json(known[model])


def _models(resift: Resift, texts: Texts, created: int) -> Sequence[dict[str, Any]]:
    kinds = {texts.model: "encoder", **{name: "reranker" for name in resift.rerankers if name != "none"}}
    return [
        {"id": name, "object": "model", "created": created, "owned_by": "resift", "kind": kind}
        for name, kind in kinds.items()
    ]


def _check_model(name: str, own: str) -> None:
    if name not in {DEFAULT, own}:
        raise NotFound(
            f"Unknown encoder {name!r}. This server has {own!r}; leave `model` out, or send that name or {DEFAULT!r}. "
            "Vectors of different models cannot be compared."
        )


def _check_dimension(wanted: int | None, own: int) -> None:
    if wanted and own and wanted != own:
        raise InvalidInput(f"The vectors have {own} dimensions, not {wanted:,}. Leave `dimensions` out.")


def _answer(encoded: TextVectors, *, model: str, as_base64: bool) -> dict[str, Any]:
    write = _base64 if as_base64 else np.ndarray.tolist
    answer: dict[str, Any] = {
        "object": "list",
        "model": model,
        "data": [
            {"object": "embedding", "index": place, "embedding": write(vector)}
            for place, vector in enumerate(encoded.vectors)
        ],
        "usage": {"prompt_tokens": encoded.tokens, "total_tokens": encoded.tokens},
    }
    if encoded.truncated:
        answer["warnings"] = [_too_long(encoded.truncated, len(encoded.vectors))]
    return answer


def _too_long(count: int, texts: int) -> str:
    which = f"{counted(count, 'text')} of {texts:,} {agreeing(count, 'is', 'are')} longer than the model reads"
    return f"{which}: only {agreeing(count, 'its beginning counts', 'their beginnings count')}."


def _base64(vector: Vector) -> str:
    return b64encode(vector.astype("<f4").tobytes()).decode()
