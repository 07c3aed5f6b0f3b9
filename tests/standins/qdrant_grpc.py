"""The gRPC interface of the stand-in for a Qdrant server: as much of it as Resift speaks."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from qdrant_client import AsyncQdrantClient
from qdrant_client.models import PayloadSchemaType, SparseVectorConfig, SparseVectorNameConfig

# Generated code without types.
grpc: Any = import_module("grpc")
api: Any = import_module("qdrant_client.grpc")
points: Any = import_module("qdrant_client.grpc.points_service_pb2_grpc")
collections: Any = import_module("qdrant_client.grpc.collections_service_pb2_grpc")
root: Any = import_module("qdrant_client.grpc.qdrant_pb2_grpc")
conversion: Any = import_module("qdrant_client.conversions.conversion")
to_rest, to_grpc = conversion.GrpcToRest, conversion.RestToGrpc


def _filter(request: Any) -> Any:
    return to_rest.convert_filter(request.filter) if request.HasField("filter") else None


class Points(points.PointsServicer):
    """Reads and writes points."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client

    async def Upsert(self, request: Any, _: Any) -> Any:
        structs = [to_rest.convert_point_struct(each) for each in request.points]
        return _updated(await self._client.upsert(request.collection_name, structs))

    async def Delete(self, request: Any, _: Any) -> Any:
        selector = to_rest.convert_points_selector(request.points)
        return _updated(await self._client.delete(request.collection_name, selector))

    async def SetPayload(self, request: Any, _: Any) -> Any:
        selector = to_rest.convert_points_selector(request.points_selector)
        payload = to_rest.convert_payload(request.payload)
        return _updated(await self._client.set_payload(request.collection_name, payload, selector))

    async def Get(self, request: Any, _: Any) -> Any:
        records = await self._client.retrieve(
            request.collection_name,
            [to_rest.convert_point_id(each) for each in request.ids],
            to_rest.convert_with_payload_selector(request.with_payload),
            to_rest.convert_with_vectors_selector(request.with_vectors),
        )
        return api.GetResponse(result=[_record(each) for each in records])

    async def Scroll(self, request: Any, _: Any) -> Any:
        records, offset = await self._client.scroll(
            request.collection_name,
            _filter(request),
            limit=request.limit,
            offset=to_rest.convert_point_id(request.offset) if request.HasField("offset") else None,
            with_payload=to_rest.convert_with_payload_selector(request.with_payload),
            with_vectors=to_rest.convert_with_vectors_selector(request.with_vectors),
        )
        return api.ScrollResponse(
            result=[_record(each) for each in records],
            next_page_offset=None if offset is None else to_grpc.convert_extended_point_id(offset),
        )

    async def Count(self, request: Any, _: Any) -> Any:
        answer = await self._client.count(request.collection_name, _filter(request))
        return api.CountResponse(result=to_grpc.convert_count_result(answer))

    async def Facet(self, request: Any, _: Any) -> Any:
        answer = await self._client.facet(request.collection_name, request.key, limit=request.limit, exact=True)
        return api.FacetResponse(hits=[to_grpc.convert_facet_value_hit(each) for each in answer.hits])

    async def QueryBatch(self, request: Any, _: Any) -> Any:
        queries = [to_rest.convert_query_points(each) for each in request.query_points]
        answers = await self._client.query_batch_points(request.collection_name, queries)
        found = [[to_grpc.convert_scored_point(point) for point in answer.points] for answer in answers]
        return api.QueryBatchResponse(result=[api.BatchResult(result=each) for each in found])

    async def UpdateVectors(self, request: Any, _: Any) -> Any:
        changed = [to_rest.convert_point_vectors(each) for each in request.points]
        return _updated(await self._client.update_vectors(request.collection_name, changed))

    async def DeleteVectors(self, request: Any, _: Any) -> Any:
        selector = to_rest.convert_points_selector(request.points_selector)
        names = list(request.vectors.names)
        return _updated(await self._client.delete_vectors(request.collection_name, names, selector))

    async def CreateVectorName(self, request: Any, _: Any) -> Any:
        modifier = to_rest.convert_modifier(request.sparse_config.modifier)
        config = SparseVectorNameConfig(sparse=SparseVectorConfig(modifier=modifier))
        made = await self._client.create_vector_name(request.collection_name, request.vector_name, config)
        return _updated(made)

    async def CreateFieldIndex(self, request: Any, _: Any) -> Any:
        kind = PayloadSchemaType.KEYWORD  # whichever is asked for: local mode has no indexes
        return _updated(await self._client.create_payload_index(request.collection_name, request.field_name, kind))

    async def DeleteFieldIndex(self, request: Any, _: Any) -> Any:
        return _updated(await self._client.delete_payload_index(request.collection_name, request.field_name))


class Collections(collections.CollectionsServicer):
    """Makes, shows and deletes collections."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client

    async def Create(self, request: Any, _: Any) -> Any:
        vectors = to_rest.convert_vectors_config(request.vectors_config)
        sparse = to_rest.convert_sparse_vector_config(request.sparse_vectors_config)
        metadata = to_rest.convert_payload(request.metadata)
        await self._client.create_collection(
            request.collection_name, vectors, sparse_vectors_config=sparse, metadata=metadata
        )
        return api.CollectionOperationResponse(result=True)

    async def Update(self, request: Any, _: Any) -> Any:
        metadata = to_rest.convert_payload(request.metadata)
        await self._client.update_collection(request.collection_name, metadata=metadata)
        return api.CollectionOperationResponse(result=True)

    async def Delete(self, request: Any, _: Any) -> Any:
        gone = await self._client.delete_collection(request.collection_name)
        return api.CollectionOperationResponse(result=gone)

    async def Get(self, request: Any, _: Any) -> Any:
        info = await self._client.get_collection(request.collection_name)
        return api.GetCollectionInfoResponse(result=to_grpc.convert_collection_info(info))

    async def List(self, _request: Any, _: Any) -> Any:
        names = [each.name for each in (await self._client.get_collections()).collections]
        return api.ListCollectionsResponse(collections=[api.CollectionDescription(name=name) for name in names])

    async def CollectionExists(self, request: Any, _: Any) -> Any:
        exists = await self._client.collection_exists(request.collection_name)
        return api.CollectionExistsResponse(result=api.CollectionExists(exists=exists))


class Root(root.QdrantServicer):
    """Says what runs here."""

    async def HealthCheck(self, _request: Any, _: Any) -> Any:
        return api.HealthCheckReply(title="qdrant - vector search engine", version="1.20.0")


class Gate(grpc.aio.ServerInterceptor):
    """Refuses whoever has not the key, and tells of failures as a server does."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        is_allowed = not self._key or dict(details.invocation_metadata).get("api-key") == self._key

        async def answer(request: Any, context: Any) -> Any:
            if not is_allowed and "HealthCheck" not in details.method:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid api-key")
            try:
                return await handler.unary_unary(request, context)
            except ValueError as error:
                is_missing = "not found" in str(error)
                code = grpc.StatusCode.NOT_FOUND if is_missing else grpc.StatusCode.INVALID_ARGUMENT
                await context.abort(code, str(error))

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


@asynccontextmanager
async def grpc_server(client: AsyncQdrantClient, *, key: str = "") -> AsyncGenerator[int]:
    """Serve over gRPC; yield the port."""
    server = grpc.aio.server(interceptors=[Gate(key)])
    points.add_PointsServicer_to_server(Points(client), server)
    collections.add_CollectionsServicer_to_server(Collections(client), server)
    root.add_QdrantServicer_to_server(Root(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=None)


def _updated(result: Any) -> Any:
    return api.PointsOperationResponse(result=to_grpc.convert_update_result(result))


def _record(record: Any) -> Any:
    return to_grpc.convert_retrieved_point(record.model_copy(update={"payload": record.payload or {}}))
