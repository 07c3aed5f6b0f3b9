"""Documents at URLs: fetched when they are asked for, and parsed by what the server says they are."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import anyio
from anyio import to_thread

from ... import __version__
from ...core.dates import written
from ...core.errors import InvalidInput, UnreadableFile, UrlRefused
from ...core.values import EMPTY, Document, Metadata
from ...store.collection import Collection, Store
from ...store.fields import REVISION
from ...store.filters import FIRST_PASSAGES, All, AnyOf
from ..parsers.registry import installed_parsers
from ..parsing import Parse, failing_alone, parse_file
from ..reader import FileDocument, Unparsed, documents_in
from ..report import Failure
from ..text.decoding import decode
from .content_types import suffix_for
from .fetching import Fetched, Fetcher, UrlOptions
from .spelling import identity, with_suffix, without_secrets

PATH = "path"


@dataclass(frozen=True, slots=True)
class PageSettings:
    """How documents are fetched, and what else decides about the result."""

    options: UrlOptions
    metadata: Metadata
    """Fields that every document gets; they replace fields of the same names in it."""
    max_bytes: int
    chunking: str
    parse: Parse = parse_file

    @property
    def version(self) -> str:
        """Return a hash of what decides about the result besides the document."""
        given = json.dumps([__version__, self.chunking, dict(self.metadata)], sort_keys=True, default=str)
        return hashlib.sha256(given.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PageReading:
    """What was read at a URL: a document for each that it holds, or why there is none."""

    outcomes: Sequence[Document | Failure]
    is_unchanged: bool = False
    """Whether its server said that it has not changed, so that it is left as it is."""
    id: str = ""
    """Its id, with which those of the documents inside it begin; empty if it could not be read."""
    kept: Sequence[str] = ()
    """The ids of what could not be read. What is stored of it, and of what lies inside it, stays."""


class Pages:
    """Documents to ingest by their URLs. What robots.txt of a host allows is asked once for all of them."""

    def __init__(self, urls: Sequence[str], settings: PageSettings, *, held: Mapping[str, str] = EMPTY) -> None:
        """Take URLs, each once, and the revisions of the documents that the collection has, by id."""
        self.urls = urls
        self.settings = settings
        self._held = held
        self._fetcher = Fetcher(settings.options, max_bytes=settings.max_bytes)
        self._parsing = anyio.Lock()  # parsed, a page takes many times its size

    def __len__(self) -> int:
        return len(self.urls)

    async def read(self, url: str) -> PageReading:
        """Fetch and parse what is at a URL, or return why that failed."""
        shown = without_secrets(url)
        try:
            with failing_alone(shown):
                return await self._read(url, identity(url))
        except (InvalidInput, UrlRefused, UnreadableFile) as error:
            return PageReading([Failure.of(shown, error)])

    async def _read(self, url: str, id_: str) -> PageReading:
        answer = await self._fetcher.fetch(url, _conditions(self._held.get(id_, ""), self.settings.version))
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return PageReading([], is_unchanged=True)
        async with self._parsing:
            return await to_thread.run_sync(self._documents, id_, answer)

    def _documents(self, id_: str, answer: Fetched) -> PageReading:
        source = without_secrets(answer.url)
        parts = self.settings.parse(*_named(source, answer))
        found = list(documents_in(parts, source=source, id_=id_, facts=self._facts(id_, answer)))
        kept = [each.kept for each in found if isinstance(each, Unparsed)]
        return PageReading([self._outcome(each) for each in found], id=id_, kept=kept)

    def _outcome(self, found: FileDocument | Unparsed) -> Document | Failure:
        if isinstance(found, Unparsed):
            return Failure.of(found.source, found.problem)
        return replace(found, metadata={**found.metadata, **self.settings.metadata})

    def _facts(self, id_: str, answer: Fetched) -> Metadata:
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        known = {REVISION: json.dumps([self.settings.version, etag, modified])} if etag or modified else {}
        return {PATH: id_, **_moment(modified), **known}


async def pages_at(urls: Sequence[str], settings: PageSettings, *, store: Store, collection: str) -> Pages:
    """Return the documents at URLs, with what the collection holds of them."""
    if not urls:
        return Pages((), settings)
    urls = list(dict.fromkeys(urls))
    return Pages(urls, settings, held=await _revisions(store, collection, [identity(url) for url in urls]))


async def documents_at(collection: Collection | None, page: str) -> list[str]:
    """Return the ids of the documents that a collection holds of a page: that of the page, or of what lies inside."""
    if collection is None or PATH not in collection.manifest.fields:
        return []
    where = All((FIRST_PASSAGES, AnyOf(PATH, (page,))))
    found = map(str, await collection.sample("document_id", where, passages=await collection.count(where)))
    return [id_ for id_ in found if id_ == page or id_.startswith(f"{page}/")]


async def _revisions(store: Store, name: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the revisions of those documents that a collection holds completely."""
    if name not in await store.names():
        return {}
    collection = await store.open(name)
    entries = await collection.entries(ids)
    points = [collection.point_of(f"{id_}#0") for id_ in entries if entries[id_].digest]
    passages = (await collection.fetch(points)).values()
    return {each.document_id: str(each.metadata.get(REVISION, "")) for each in passages}


def _conditions(revision: str, version: str) -> dict[str, str]:
    """Return the headers with which a server sends a document only if it has changed."""
    try:
        stored, etag, modified = json.loads(revision)
    except ValueError:
        return {}
    headers = {"If-None-Match": etag, "If-Modified-Since": modified} if stored == version else {}
    return {name: value for name, value in headers.items() if value}


def _moment(modified: str) -> dict[str, str]:
    try:
        return {"modified": written(parsedate_to_datetime(modified))}
    except (ValueError, OverflowError):
        return {}


def _named(source: str, answer: Fetched) -> tuple[str, bytes]:
    """Return a name that tells the parser of an answer, and its bytes, a text in UTF-8 if its encoding is told."""
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    name = with_suffix(source, suffix_for(header.get_content_type(), source))
    parser = installed_parsers().for_file(name)
    charset = header.get_content_charset("")
    if not charset or (parser is not None and parser.is_binary):
        return name, answer.body
    return name, decode(answer.body, source, declared=charset).text.encode()
