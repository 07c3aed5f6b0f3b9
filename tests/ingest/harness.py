"""An ingestor for tests, over a real store and the bundled encoder, which counts the texts it encodes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenizers import Tokenizer

from resift.core.errors import BlankFile, ModelError
from resift.core.values import Document, Passage
from resift.core.vectors import Vector
from resift.encoders.minilm import BundledEncoder
from resift.encoders.protocols import EncodedQuery
from resift.ingest.embed import Embedder
from resift.ingest.ingestor import Ingestor
from resift.ingest.job import Job, WriteLocks
from resift.ingest.parsing import DocumentParser
from resift.ingest.passages.chunker import Chunker
from resift.ingest.reader import with_structure
from resift.ingest.report import Failure, IngestReport, Skipped
from resift.ingest.sources import Files
from resift.models.bundled import BUNDLED, TOKENIZER_FILE
from resift.models.lazy import Lazy
from resift.models.worker_pool import WorkerPool
from resift.store.collection import Store
from resift.store.edge.store import EdgeStore
from resift.store.filters import parse_filter
from resift.store.manifest import Manifest

MODEL = BUNDLED["all-MiniLM-L6-v2-int8"]
FAILING_TEXT = "[this text cannot be encoded]"


@dataclass
class CountingEncoder:
    """The bundled encoder. It remembers the texts that it was given, and fails on `FAILING_TEXT`."""

    real: BundledEncoder
    texts: list[str] = field(default_factory=list[str])

    @property
    def fingerprint(self) -> str:
        return self.real.fingerprint

    @property
    def dimension(self) -> int:
        return self.real.dimension

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        if any(FAILING_TEXT in text for text in texts):
            raise ModelError("The model failed.")
        self.texts += texts
        return await self.real.encode(texts)

    async def encode_query(self, query: str) -> EncodedQuery:
        return await self.real.encode_query(query)


class ParsingChunker(Chunker):
    """A chunker that parses texts first, in this process."""

    def chunk(self, document: Document) -> list[Passage]:
        try:
            return super().chunk(with_structure(document))
        except BlankFile:
            return []


@dataclass
class Harness:
    """An ingestor with what it works with; a job goes to the collection `name`, new for each test."""

    store: EdgeStore
    encoder: CountingEncoder
    manifest: Manifest
    ingestor: Ingestor
    name: str = "c"

    async def ingest_files(self, files: Files, **options: Any) -> IngestReport:
        job = Job(collection=self.name, items=(), total=len(files), files=files, **options)
        return await self.ingestor.ingest(job)

    async def ingest(self, *items: Document | Failure | Skipped, total: int = 0, **options: Any) -> IngestReport:
        job = Job(collection=self.name, items=items, total=total or len(items), **options)
        return await self.ingestor.ingest(job)

    async def passages(self, document_id: str) -> list[Passage]:
        """Return all passages of a document, whatever its entry says."""
        collection = await self.store.open(self.name)
        ids = [Passage(document_id=document_id, ordinal=ordinal, text="").point_id(self.name) for ordinal in range(200)]
        return sorted((await collection.fetch(ids)).values(), key=lambda passage: passage.ordinal)

    async def count(self, filter_: dict[str, Any]) -> int:
        collection = await self.store.open(self.name)
        return await collection.count(parse_filter(filter_, collection.manifest.fields))


def make_ingestor(
    store: Store,
    encoder: CountingEncoder,
    manifest: Manifest,
    workers: WorkerPool | None = None,
    parser: DocumentParser | None = None,
) -> Ingestor:
    chunker = Lazy(lambda: Chunker(Tokenizer.from_file(str(MODEL.folder / TOKENIZER_FILE))))
    pool, locks = workers or WorkerPool(2), WriteLocks()
    return Ingestor(store, Embedder(encoder), chunker, pool, manifest=manifest, locks=locks, parser=parser)


def outcomes(files: Files) -> list[Document | Failure | Skipped]:
    """Read all files."""
    read = [item for file in files.found.files for item in files.read(file).outcomes]
    return [*files.found.failures, *read]


def long_text(paragraphs: int) -> str:
    return "\n\n".join(f"Paragraph {number}. " + "The wheel turns on its axle. " * 30 for number in range(paragraphs))


def doc(id_: str, text: str = "Some text.", **metadata: Any) -> Document:
    return Document(id=id_, title=f"Title of {id_}", text=text, metadata=metadata)
