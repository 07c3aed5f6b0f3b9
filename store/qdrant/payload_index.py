"""Payload indexes at a Qdrant server: which field is indexed how, and when."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ...core.errors import Refused
from ..conditions import INDEXED_FOR_WORDS, PASSAGES_WORTH_AN_INDEX, index_path, path_of, words_asked_of
from ..fields import FieldType
from ..filters import DIGEST, ORDINAL, Condition
from .connection import QdrantConnection

if TYPE_CHECKING:
    from qdrant_client.models import PayloadSchemaParams, PayloadSchemaType


class Indexes:
    """Makes a collection's indexes; a server with strict mode filters only by fields that have one."""

    def __init__(self, collection: str, connection: QdrantConnection) -> None:
        self._collection = collection
        self._connection = connection
        self._seen_to = set[str]()

    async def index_ledger(self) -> None:
        """Index what the ledger asks by, and filters over sources."""
        from qdrant_client.models import PayloadSchemaType

        await self._make("document_id", _keyword())
        await self._make("source", _keyword())
        await self._make(path_of(DIGEST), PayloadSchemaType.KEYWORD)
        await self._make(path_of(ORDINAL), PayloadSchemaType.INTEGER)

    async def index_field(self, name: str, before: FieldType | None, kind: FieldType) -> None:
        """Index a metadata field by its type, instead of the type it had before."""
        if before is not None and _schema_of(before) is not None:
            path = index_path(name, before)
            await self._connection.ask(lambda client: client.delete_payload_index(self._collection, path))
        if (schema := _schema_of(kind)) is not None:
            await self._make(index_path(name, kind), schema)

    async def index_words(self, where: Condition) -> None:
        """Index the words of the long texts that a condition asks for words, where there are many and no index yet.

        Without it the answer is the same, and later; so it is when the key may not make indexes.
        """
        from qdrant_client.models import TextIndexParams, TextIndexType, TokenizerType

        asked = words_asked_of(where).intersection(INDEXED_FOR_WORDS) - self._seen_to
        if not asked:
            return
        info = await self._connection.ask(lambda client: client.get_collection(self._collection))
        if (info.points_count or 0) < PASSAGES_WORTH_AN_INDEX:
            return
        self._seen_to |= asked
        word = TextIndexParams(type=TextIndexType.TEXT, tokenizer=TokenizerType.WORD, lowercase=True, on_disk=True)
        for path in sorted(asked - info.payload_schema.keys()):
            with suppress(Refused):
                await self._make(path, word)

    async def _make(self, path: str, schema: PayloadSchemaType | PayloadSchemaParams) -> None:
        await self._connection.ask(lambda client: client.create_payload_index(self._collection, path, schema))


def _keyword() -> PayloadSchemaParams:
    from qdrant_client.models import KeywordIndexParams, KeywordIndexType

    return KeywordIndexParams(type=KeywordIndexType.KEYWORD, prefix=True)


def _schema_of(kind: FieldType) -> PayloadSchemaType | PayloadSchemaParams | None:
    from qdrant_client.models import PayloadSchemaType

    return {
        "keyword": _keyword(),
        "boolean": PayloadSchemaType.KEYWORD,  # of the flag, see conditions.FLAGS
        "integer": PayloadSchemaType.INTEGER,
        "number": PayloadSchemaType.FLOAT,
        "date": PayloadSchemaType.DATETIME,
    }.get(kind)
