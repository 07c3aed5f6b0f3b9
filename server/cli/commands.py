"""What the commands do: one call into the floors below, then words on the terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rich.markup import escape

from ...core.errors import InvalidInput
from ...factories.engine import Engine
from ...ingest.job import Job
from ...ingest.sources import files_below
from ...pipeline.overview import look_at_all, look_at_fields
from ...pipeline.question import DEEPEST_TUNED, Question
from ...store.manifest import Tuning
from ...tools.results import ranking_answer
from .console import (
    ERR,
    OUT,
    fields_table,
    overview_table,
    print_explained,
    print_json,
    print_page,
    print_report,
    progress_bar,
    report_answer,
    tuning_lines,
)


async def run_ingest(
    engine: Engine, paths: Sequence[Path], collection: str, *, glob: str, prune: bool, as_json: bool
) -> bool:
    """Ingest files; return whether all went in."""
    services = engine.services
    files = files_below(paths, glob=glob, roots=services.roots, metadata={}, max_bytes=services.max_file_bytes)
    with progress_bar("Ingesting") as progress:
        job = Job(collection, files, len(files), prune_below=files.folders if prune else (), progress=progress)
        report = await services.ingestor.ingest(job)
    if as_json:
        print_json(report_answer(report))
    else:
        print_report(report, collection)
    return not report.failures


async def run_search(engine: Engine, question: Question, *, explain: bool, as_json: bool) -> bool:
    """Search; return True, for finding nothing is no failure."""
    pipeline = engine.services.pipeline
    if as_json:
        print_json(ranking_answer(await pipeline.ask(question), full=True))
    elif explain:
        whole = replace(question, limit=max(question.limit, question.depth or DEEPEST_TUNED))  # both orders whole
        print_explained(await pipeline.ask(whole), rows=question.limit)
    else:
        print_page(await pipeline.ask(question))
    return True


async def run_delete(
    engine: Engine, collection: str, document_ids: Sequence[str], *, filter_: dict[str, Any], everything: bool
) -> bool:
    """Delete documents or a collection; return whether all documents named were there."""
    removed = await engine.services.remover.remove(
        collection, document_ids=document_ids, filter_=filter_, everything=everything
    )
    OUT.print(f"{collection}: {removed.documents:,} documents, {removed.passages:,} passages deleted.", highlight=False)
    for missing in removed.missing:
        ERR.print(f"  not there: {escape(missing)}", highlight=False, soft_wrap=True)
    return not removed.missing


async def run_collections(engine: Engine, name: str, *, as_json: bool) -> bool:
    """Show collections; return True."""
    services = engine.services
    overviews = await look_at_all(services.pipeline, [name] if name else await services.store.names())
    fields = await look_at_fields(await services.pipeline.open(name)) if name else []
    tuning: Mapping[str, Tuning] = (await services.pipeline.open(name)).manifest.tuning if name else {}
    if as_json:
        print_json({"collections": overviews, "fields": fields, "tuning": tuning})
    else:
        OUT.print(overview_table(overviews))
        if fields:
            OUT.print(fields_table(fields))
        for line in tuning_lines(tuning):
            OUT.print(line, highlight=False, soft_wrap=True, markup=False)
    return True


def parse_json_object(text: str, option: str = "--filter") -> dict[str, Any]:
    """Return the JSON object in the text of an option.

    Raises:
        InvalidInput: When it is not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f'{option} {text!r} is not JSON: {error}. Write it as \'{{"name": "value"}}\'.') from error
    if not isinstance(value, dict):
        raise InvalidInput(f'{option} {text!r} is not a JSON object. Write it as \'{{"name": "value"}}\'.')
    return cast("dict[str, Any]", value)
