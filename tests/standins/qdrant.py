"""A Qdrant server for tests: its REST interface over qdrant-client's local mode, which keeps what it acknowledged.

`python -m resift.tests.standins.qdrant FOLDER` runs one that can be killed and started again. It prints its port.
"""

import socket
import sys
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio.lowlevel
import uvicorn
from pydantic import BaseModel, TypeAdapter
from qdrant_client import AsyncQdrantClient, models
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from resift.tests.standins.qdrant_grpc import grpc_server

VERSION = "1.20.0"
POINTS = "/collections/{name}/points"

Action: TypeAlias = Callable[[AsyncQdrantClient, str, Any], Awaitable[Any]]


async def _create(client: AsyncQdrantClient, name: str, body: models.CreateCollection) -> Any:
    return await client.create_collection(
        name,
        vectors_config=body.vectors or {},
        sparse_vectors_config=body.sparse_vectors,
        metadata=body.metadata,
    )


async def _update(client: AsyncQdrantClient, name: str, body: models.UpdateCollection) -> Any:
    return await client.update_collection(name, metadata=body.metadata)


async def _exists(client: AsyncQdrantClient, name: str, _: None) -> Any:
    return {"exists": await client.collection_exists(name)}


async def _add_vector(client: AsyncQdrantClient, name: str, body: Any) -> Any:
    vector_name, config = body
    return await client.create_vector_name(name, vector_name, config)


async def _index(client: AsyncQdrantClient, name: str, body: models.CreateFieldIndex) -> Any:
    return await client.create_payload_index(name, body.field_name, body.field_schema)


async def _upsert(client: AsyncQdrantClient, name: str, body: models.PointsList) -> Any:
    return await client.upsert(name, body.points)


async def _add_vectors(client: AsyncQdrantClient, name: str, body: models.UpdateVectors) -> Any:
    return await client.update_vectors(name, body.points)


async def _delete_vectors(client: AsyncQdrantClient, name: str, body: models.DeleteVectors) -> Any:
    assert body.filter is not None
    return await client.delete_vectors(name, body.vector, body.filter)


async def _set_payload(client: AsyncQdrantClient, name: str, body: models.SetPayload) -> Any:
    assert body.filter is not None
    return await client.set_payload(name, body.payload, body.filter)


async def _delete(client: AsyncQdrantClient, name: str, body: Any) -> Any:
    return await client.delete(name, body)


async def _query(client: AsyncQdrantClient, name: str, body: models.QueryRequestBatch) -> Any:
    return await client.query_batch_points(name, body.searches)


async def _count(client: AsyncQdrantClient, name: str, body: models.CountRequest) -> Any:
    return await client.count(name, body.filter)


async def _facet(client: AsyncQdrantClient, name: str, body: models.FacetRequest) -> Any:
    return await client.facet(name, body.key, body.filter, limit=body.limit or 10, exact=True)


async def _retrieve(client: AsyncQdrantClient, name: str, body: models.PointRequest) -> Any:
    return await client.retrieve(name, body.ids, body.with_payload or False, body.with_vector or False)


async def _scroll(client: AsyncQdrantClient, name: str, body: models.ScrollRequest) -> Any:
    points, offset = await client.scroll(
        name,
        body.filter,
        limit=body.limit or 10,
        offset=body.offset,
        with_payload=True if body.with_payload is None else body.with_payload,
        with_vectors=body.with_vector or False,
    )
    return {"points": points, "next_page_offset": offset}


Selector: Any = models.FilterSelector | models.PointIdsList
READS: dict[tuple[str, str], tuple[Any, Action]] = {
    ("GET", "/collections"): (None, lambda client, _, __: client.get_collections()),
    ("GET", "/collections/{name}"): (None, lambda client, name, _: client.get_collection(name)),
    ("GET", "/collections/{name}/exists"): (None, _exists),
    ("POST", POINTS): (models.PointRequest, _retrieve),
    ("POST", f"{POINTS}/query/batch"): (models.QueryRequestBatch, _query),
    ("POST", f"{POINTS}/count"): (models.CountRequest, _count),
    ("POST", f"{POINTS}/scroll"): (models.ScrollRequest, _scroll),
    ("POST", "/collections/{name}/facet"): (models.FacetRequest, _facet),
}
WRITES: dict[tuple[str, str], tuple[Any, Action]] = {
    ("PUT", "/collections/{name}"): (models.CreateCollection, _create),
    ("PATCH", "/collections/{name}"): (models.UpdateCollection, _update),
    ("DELETE", "/collections/{name}"): (None, lambda client, name, _: client.delete_collection(name)),
    ("PUT", "/collections/{name}/index"): (models.CreateFieldIndex, _index),
    ("PUT", POINTS): (models.PointsList, _upsert),
    ("PUT", f"{POINTS}/vectors"): (models.UpdateVectors, _add_vectors),
    ("POST", f"{POINTS}/vectors/delete"): (models.DeleteVectors, _delete_vectors),
    ("POST", f"{POINTS}/payload"): (models.SetPayload, _set_payload),
    ("POST", f"{POINTS}/delete"): (Selector, _delete),
}


def rest_app(client: AsyncQdrantClient, *, key: str = "", read_only_key: str = "", version: str = VERSION) -> Starlette:
    """Return the REST interface over a client in local mode; with keys, it refuses requests without the right one."""

    def route(method: str, path: str, shape: Any, action: Action, keys: set[str]) -> Route:
        async def answer(request: Request) -> Response:
            if key and request.headers.get("api-key", "") not in keys:
                status = 403 if request.headers.get("api-key") == read_only_key else 401
                return _failed(status, "Forbidden: the key does not allow this" if status == 403 else "Invalid api-key")
            body = None if shape is None else TypeAdapter(shape).validate_json(await request.body())
            try:
                return _done(await action(client, request.path_params.get("name", ""), body))
            except ValueError as error:
                status = 404 if "not found" in str(error) else 409 if "already exists" in str(error) else 400
                return _failed(status, str(error))

        return Route(path, answer, methods=[method])

    async def greet(_: Request) -> Response:
        return JSONResponse({"title": "qdrant - vector search engine", "version": version})

    async def drop_index(request: Request) -> Response:
        return _done(await client.delete_payload_index(request.path_params["name"], request.path_params["field"]))

    async def add_vector(request: Request) -> Response:
        config = TypeAdapter[Any](models.SparseVectorNameConfig).validate_json(await request.body())
        return _done(await _add_vector(client, request.path_params["name"], (request.path_params["vector"], config)))

    reading = [route(*place, *what, {key, read_only_key}) for place, what in READS.items()]
    writing = [route(*place, *what, {key}) for place, what in WRITES.items()]
    others = [
        Route("/", greet),
        Route("/collections/{name}/index/{field:path}", drop_index, methods=["DELETE"]),
        Route("/collections/{name}/vectors/{vector}", add_vector, methods=["PUT"]),
    ]
    return Starlette(routes=[*reading, *writing, *others])


def _done(result: Any) -> Response:
    shown = TypeAdapter[Any](Any).dump_python(result, mode="json", exclude_none=not isinstance(result, BaseModel))
    return JSONResponse({"status": "ok", "time": 0.0, "result": shown})


def _failed(status: int, message: str) -> Response:
    return JSONResponse({"status": {"error": message}, "time": 0.0}, status)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs, and where."""

    url: str
    grpc_port: int
    client: AsyncQdrantClient
    """What it keeps its points in."""


@asynccontextmanager
async def serving(*, key: str = "", read_only_key: str = "", version: str = VERSION) -> AsyncGenerator[Serving]:
    """Run a server in this process, over REST and gRPC, that forgets everything in the end."""
    client = AsyncQdrantClient(":memory:")
    app = rest_app(client, key=key, read_only_key=read_only_key, version=version)
    async with _rest_server(app) as url, grpc_server(client, key=key) as grpc_port:
        yield Serving(url, grpc_port, client)
    await client.close()


@asynccontextmanager
async def _rest_server(app: Starlette) -> AsyncGenerator[str]:
    """Serve over REST, and yield the URL. It stops at once: uvicorn's own loop takes a fifth of a second for that."""
    config = uvicorn.Config(app, log_level="error", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        await server.startup(sockets=[listening])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            for each in server.servers:
                each.close()
            state = server.server_state
            for connection in list(state.connections):
                connection.shutdown()
            while state.connections or state.tasks:
                await anyio.lowlevel.checkpoint()


def main() -> None:
    """Serve until killed."""
    warnings.simplefilter("ignore")  # local mode has no payload indexes, and says so each time
    [folder] = sys.argv[1:]
    config = uvicorn.Config(rest_app(AsyncQdrantClient(path=folder)), log_level="error", lifespan="off")
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        sys.stdout.write(f"{listening.getsockname()[1]}\n")  # what connects from now on is answered
        sys.stdout.flush()
        uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
