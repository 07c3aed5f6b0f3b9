"""Requests and answers in JSON: strict reading, models made from the API's requests, and compact writing."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar, cast

from fastapi import Body, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, create_model
from pydantic_core import from_json, to_json

from ....api.arguments import describe_problems, parameters, without_null_arguments
from ....api.caller import CALLER
from ....core.errors import InvalidInput
from ....core.text import cut
from ...mcp.guard import DIAGNOSTIC
from .failures import JSON, without_place

MESSAGES = DIAGNOSTIC | {"error", "progress", "warnings"}
"""Fields of answers that Resift writes."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class JsonRequest(Request):
    """A request whose body has to be JSON as the standard has it: UTF-8, no NaN, no half characters."""

    optional: Collection[str] = ()
    """The fields that have a default, for which null stands too."""

    async def json(self) -> Any:
        """Return the parsed body, an object.

        Raises:
            HTTPException: It is something else.
        """
        try:
            parsed = from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.") from None
        if not isinstance(parsed, dict):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is JSON, but not an object. Send an object: {...}.")
        return without_null_arguments(cast("dict[str, Any]", parsed), optional=self.optional)


class JsonRoute(APIRoute):
    """A route that takes JSON only, and says which fields it knows when one is wrong."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()
        model: Any = self.body_field.field_info.annotation if self.body_field else None

        async def handle(request: Request) -> Response:
            if model is None:
                return await answer(request)
            _require_json(request)
            body = JsonRequest(request.scope, request.receive)
            body.optional = [name for name, field in model.model_fields.items() if not field.is_required()]
            try:
                return await answer(body)
            except RequestValidationError as error:
                if error.body is None:
                    raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is empty. Send a JSON object.") from None
                raise InvalidInput(describe_problems(without_place(error), known=list(model.model_fields))) from None

        return handle


def _require_json(request: Request) -> None:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        sent = f"not {cut(kind)!r}" if kind else "which is missing"
        text = f"Send the body as JSON with the header `Content-Type: {JSON}`, {sent}."
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)


def body_of(name: str, request: type[Any], **added: Any) -> type[BaseModel]:
    """Return the model of a body with the fields of a request of the API, and `added` ones as (type, default)."""
    own = {
        each.name: (each.annotation, ... if each.default is each.empty else each.default)
        for each in parameters(request, with_python_only=False)
    }
    fields: dict[str, Any] = {**own, **added}
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=request.__doc__, **fields)


def takes_body(model: type[BaseModel], examples: Mapping[str, Any]) -> Callable[[Endpoint], Endpoint]:
    """Give an endpoint a parameter `body` of a model, with examples of requests by their summary."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        endpoint.__annotations__["body"] = Annotated[model, Body(openapi_examples=shown(examples))]
        return endpoint

    return decorate


def shown(examples: Mapping[str, Any]) -> Any:
    """Return examples of requests, by their summary, as OpenAPI has them."""
    numbered = enumerate(examples.items(), start=1)
    return {f"example{number}": {"summary": summary, "value": value} for number, (summary, value) in numbered}


def answer_json(content: Any) -> Response:
    """Return a response with compact JSON, which does not tell where the server's files lie."""
    told = CALLER.get().hidden.hide_in(content, MESSAGES)
    return Response(to_json(told, inf_nan_mode="null"), media_type=JSON)
