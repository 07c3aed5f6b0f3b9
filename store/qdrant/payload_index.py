"""Payload indexes at a Qdrant server: which fields are indexed, how and when."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ...core.errors import Refused
from ..conditions import INDEXED_FOR_WORDS, PASSAGES_WORTH_AN_INDEX, index_path, path_of, words_queried
from ..fields import FieldType, widened
from ..filters import DIGEST, ORDINAL, Condition
from .connection import QdrantConnection

if TYPE_CHECKING:
    from qdrant_client.models import PayloadSchemaParams, PayloadSchemaType


class PayloadIndexes:
    """Creates the payload indexes of one collection; a server in strict mode filters only by indexed fields."""

    def __init__(self, collection: str, connection: QdrantConnection) -> None:
        self._collection = collection
        self._connection = connection
        self._words_checked = set[str]()

    async def index_document_fields(self) -> None:
        """Index the fields by which documents and their passages are found."""
        from qdrant_client.models import PayloadSchemaType

        await self._create("document_id", _keyword())
        await self._create("source", _keyword())
        await self._create(path_of(DIGEST), PayloadSchemaType.KEYWORD)
        await self._create(path_of(ORDINAL), PayloadSchemaType.INTEGER)

    async def index_fields(
        self, fields: Mapping[str, FieldType], before: Mapping[str, FieldType]
    ) -> dict[str, FieldType]:
        """Index new and widened metadata fields; return all fields, each with a type that fits both mappings."""
        merged = widened(before, fields)
        for name, kind in merged.items():
            if before.get(name) != kind:
                await self._index_field(name, before.get(name), kind)
        return merged

    async def _index_field(self, name: str, before: FieldType | None, kind: FieldType) -> None:
        if before is not None and _schema_of(before) is not None:
            path = index_path(name, before)
            await self._connection.ask(lambda client: client.delete_payload_index(self._collection, path))
        if (schema := _schema_of(kind)) is not None:
            await self._create(index_path(name, kind), schema)

    async def index_words(self, where: Condition) -> None:
        """Index the words of titles and texts if a condition searches them and the collection is large.

        Without the index the answer is the same, but slower; that is also the case if the key may not create indexes.
        """
        from qdrant_client.models import TextIndexParams, TextIndexType, TokenizerType

        queried = words_queried(where).intersection(INDEXED_FOR_WORDS) - self._words_checked
        if not queried:
            return
        info = await self._connection.ask(lambda client: client.get_collection(self._collection))
        if (info.points_count or 0) < PASSAGES_WORTH_AN_INDEX:
            return
        self._words_checked |= queried
        word = TextIndexParams(type=TextIndexType.TEXT, tokenizer=TokenizerType.WORD, lowercase=True, on_disk=True)
        for path in sorted(queried - info.payload_schema.keys()):
            with suppress(Refused):
                await self._create(path, word)

    async def _create(self, path: str, schema: PayloadSchemaType | PayloadSchemaParams) -> None:
        await self._connection.ask(lambda client: client.create_payload_index(self._collection, path, schema))


def _keyword() -> PayloadSchemaParams:
    from qdrant_client.models import KeywordIndexParams, KeywordIndexType

    return KeywordIndexParams(type=KeywordIndexType.KEYWORD, prefix=True)


def _schema_of(kind: FieldType) -> PayloadSchemaType | PayloadSchemaParams | None:
    from qdrant_client.models import PayloadSchemaType

    return {
        "keyword": _keyword(),
        "boolean": PayloadSchemaType.KEYWORD,  # of its text copy, see conditions.FLAGS
        "integer": PayloadSchemaType.INTEGER,
        "number": PayloadSchemaType.FLOAT,
        "date": PayloadSchemaType.DATETIME,
    }.get(kind)
