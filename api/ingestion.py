"""What `Resift.ingest` does: find the files, make the documents, and run the job."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.errors import InvalidInput, StoreError
from ..factories.engine import Services
from ..ingest.files.named import absolute, roots_of
from ..ingest.files.skipping import MAX_FAILURES, notes_on
from ..ingest.held_metadata import notes_on_left_out, notes_on_lost
from ..ingest.job import Job
from ..ingest.report import IngestReport, awaited
from ..ingest.same_titles import notes_on_same_titles
from ..ingest.sources import Files, search_paths
from ..ingest.sync.missing_paths import with_what_is_held
from ..ingest.urls.fetching import UrlOptions
from ..ingest.urls.pages import Pages, PageSettings, pages_at
from ..ingest.urls.spelling import is_url, whole
from ..ingest.watching.watched import Watched
from ..store.fields import check_metadata, cleaned
from .passages import read_documents
from .requests import IngestRequest

NOTHING_PRUNED = "Nothing was pruned, because `prune` compares folders, and no path is a folder."


async def ingest(request: IngestRequest, services: Services, *, reads_any_path: bool) -> IngestReport:
    """Take documents into a collection, and return what was done.

    Relative paths start from the first folder of the services' roots. If `reads_any_path` is true, the caller may also
    name paths outside the roots.

    Raises:
        InvalidInput: An argument cannot be used. Files that cannot be read are failures in the report.
        StoreError: The store cannot be written.
    """
    paths = _paths(request, services, reads_any_path=reads_any_path)
    urls = _urls(request, services)
    if not request.documents and not paths and not urls:
        raise InvalidInput("Nothing to ingest. Pass `documents` as [{'text': ..., 'title': ...}], or `paths`.")
    check_metadata(request.metadata)  # once, rather than as a failure of each document
    if request.prune and not paths:
        raise InvalidInput("`prune` compares folders with the collection: pass `paths`, or leave it out.")
    files = await find(request, services, reads_any_path=reads_any_path)
    files = replace(files, found=await with_what_is_held(files.found, services.store, request.collection))
    if reads_any_path and not (request.documents or urls):
        _refuse_nowhere(request.collection, files)
    documents = read_documents(request.document_list, request.metadata)
    pages = await _pages(urls, request, services)
    job = Job(
        request.collection,
        items=documents,
        total=len(documents) + len(pages) + len(files),
        pages=pages,
        files=files if paths else None,
        dry_run=request.dry_run,
        prune_below=files.folders if request.prune else (),
        progress=awaited(request.progress),
        metadata=cleaned(request.metadata),
    )
    report = await services.ingestor.ingest(job)
    if report.added and not request.dry_run:
        report += IngestReport(notes=await notes_on_same_titles(services.store, request.collection, documents))
    return _with_notes(report, files, prune=request.prune) + IngestReport(notes=_watch(request, services, files))


def _refuse_nowhere(collection: str, files: Files) -> None:
    """Refuse paths at none of which there is anything, so that a caller who reads no report learns it."""
    if not files.found.is_nowhere:
        return
    reasons = [failure.reason for failure in files.found.failures[:MAX_FAILURES]]
    raise InvalidInput(" ".join([f"Nothing was ingested into {collection!r}.", *reasons]))


def _with_notes(report: IngestReport, files: Files, *, prune: bool) -> IngestReport:
    """Return the report with what was skipped in folders, and with sentences on what the reader should know."""
    found = files.found
    report += IngestReport(skipped=found.skipped, examples=found.examples, notes=found.notes)
    nothing_pruned = (NOTHING_PRUNED,) if prune and not files.folders else ()
    metadata = (*notes_on_left_out(report.left_out), *notes_on_lost(report.lost))
    notes = (*metadata, *notes_on(report, files.folders), *nothing_pruned)
    return report + IngestReport(notes=notes)


def _watch(request: IngestRequest, services: Services, files: Files) -> tuple[str, ...]:
    """Let the engine watch the folders, if the settings say so; return a note if it cannot."""
    if not (services.watches_ingested and files.folders) or request.dry_run:
        return ()
    watched = Watched(request.collection, files.folders, glob=request.glob, metadata=request.metadata)
    try:
        services.watched.add(watched)
    except StoreError as error:
        return (f"The folders are not watched. {error}",)
    return ()


async def find(request: IngestRequest, services: Services, *, reads_any_path: bool) -> Files:
    """Return the files that a request names."""
    paths = _paths(request, services, reads_any_path=reads_any_path)
    return await search_paths(
        paths,
        progress=awaited(request.progress),
        glob=request.glob,
        roots=roots_of(paths, own=services.roots.own) if reads_any_path else services.roots,
        metadata=request.metadata,
        max_bytes=services.max_file_bytes,
        gitignore=services.gitignore,
        parse=services.parser.parse,
    )


def _paths(request: IngestRequest, services: Services, *, reads_any_path: bool) -> list[str | Path]:
    paths: Iterable[str | Path] = [path for path in request.path_list if services.urls is None or not is_url(path)]
    return list(absolute(paths, services.roots.folders[0]) if reads_any_path else paths)


def _urls(request: IngestRequest, services: Services) -> list[str]:
    return [] if services.urls is None else [whole(path) for path in request.path_list if is_url(path)]


async def _pages(urls: Sequence[str], request: IngestRequest, services: Services) -> Pages:
    metadata = cleaned(request.metadata)
    settings = PageSettings(
        services.urls or UrlOptions(),
        metadata=metadata,
        max_bytes=services.max_file_bytes,
        chunking=services.pipeline.manifest.chunking,
        parse=services.parser.parse,
    )
    return await pages_at(urls, settings, store=services.store, collection=request.collection)
