"""`resift ingest`, `resift delete` and `resift collections`: what is stored."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import typer

from ....core.errors import InvalidInput
from ....core.text import counted
from ....ingest.files.glob import has_magic
from ...terminal import current_folder
from ..command import AsJson, CollectionName, Filter, call_api, parse_json_object
from ..console import can_ask, confirm, note, print_json, progress_bar, say, show
from ..ingest_report import print_report
from .jobs import begin

if TYPE_CHECKING:
    from rich.table import Table

    from ....api.resift import Resift
    from ....ingest.report import IngestReport
    from ....pipeline.summary import CollectionSummary, FieldSummary
    from ....store.manifest import Tuning

INTERRUPTED = (
    "Interrupted. The documents that were ingested so far are stored. Run the command again to ingest the rest."
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, or quoted globs such as 'docs/*.md'.")],
    collection: CollectionName = "default",
    glob: Annotated[str, typer.Option(help="Which files to read in folders.")] = "**/*",
    prune: Annotated[bool, typer.Option(help="Remove documents from these folders whose files are gone.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Let the running engine do it, print the id of its job, and end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add files to a collection. Unchanged files are skipped; changed files replace their old version."""
    options = {"collection": collection, "glob": glob, "prune": prune, "dry_run": dry_run}
    if background:
        _check_some_exist(paths)
        begin({"paths": paths, **options}, as_json=as_json)
        return
    try:
        report = call_api(lambda resift: _ingest(resift, paths, **options))
    except InvalidInput as error:
        if any(map(_may_exist, paths)):
            raise
        raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(asdict(report))
    else:
        print_report(report, collection, dry_run=dry_run)
    if report.is_empty and not (prune and not report.failures):  # a folder that is empty is in step
        from ....ingest.files.skipping import readable_formats

        raise InvalidInput(f"Nothing was ingested into {collection!r}. {readable_formats(report)}".rstrip())
    if report.failures:
        raise typer.Exit(1)


def _check_some_exist(paths: Sequence[str]) -> None:
    """Refuse paths at none of which there is anything, unless one is a glob or a URI."""
    if not any(_may_exist(path) for path in paths):
        from ....ingest.files.roots import nearest_path

        near = nearest_path(paths[0], current_folder() / paths[0])
        raise typer.BadParameter(f"Path {paths[0]!r} does not exist.{near}")


def _may_exist(path: str) -> bool:
    return os.path.exists(current_folder() / path) or has_magic(path) or "://" in path  # noqa: PTH110 - that of Path can raise


async def _ingest(resift: Resift, paths: Sequence[str], **options: Any) -> IngestReport:
    try:
        with progress_bar("Comparing" if options["dry_run"] else "Ingesting") as progress:
            return await resift.ingest(paths, **options, progress=progress)
    except anyio.get_cancelled_exc_class():
        note(INTERRUPTED)
        raise


@app.command()
def delete(
    collection: Annotated[str, typer.Argument(help="The collection to delete from.")],
    ids: Annotated[list[str], typer.Option("--id", help="A document id; can be given several times.")] = [],  # noqa: B006
    filter_: Filter = "{}",
    everything: Annotated[bool, typer.Option("--everything", help="Delete the collection itself.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a collection or many documents go.")] = (
        False
    ),
) -> None:
    """Delete documents from a collection, or the whole collection. Files on disk are not touched.

    On a terminal, it asks before it deletes a collection or more than 10 documents; elsewhere these need --yes.
    """
    arguments: dict[str, Any] = {
        "document_ids": ids,
        "filter": parse_json_object(filter_),
        "everything": everything,
    }
    if not (dry_run or yes):
        _ask_before(collection, arguments)
    removed = call_api(lambda resift: resift.delete(collection, **arguments, dry_run=dry_run))
    counts = f"{counted(removed.documents, 'document')}, {counted(removed.passages, 'passage')}"
    deleted = "would be deleted" if dry_run else "deleted"
    if everything:
        say(f"Collection {collection} {deleted}{f': {counts}' if removed.passages else ''}.")
    else:
        say(f"{collection}: {counts} {deleted}.")
    for each in removed.notes:
        note(f"  {each}")
    for missing in removed.missing:
        note(f"  not found: {missing}")
    if removed.missing:
        raise typer.Exit(1)


def _ask_before(collection: str, arguments: Mapping[str, Any]) -> None:
    """Ask the user before much is deleted; end the command if they do not agree.

    Raises:
        InvalidInput: Nobody is at a terminal to answer.
    """
    from ....tools.delete_documents import question_before

    going = call_api(lambda resift: resift.delete(collection, **arguments, dry_run=True))
    question = question_before(collection, going, everything=arguments["everything"])
    if question and not can_ask():
        raise InvalidInput(f"{question} There is no terminal on which to ask, so nothing was deleted. Add --yes.")
    if question and not confirm(question):
        raise typer.Exit(1)


@app.command()
def collections(
    name: Annotated[str, typer.Argument(help="One collection, shown with its metadata fields. Default: all.")] = "",
    as_json: AsJson = False,
) -> None:
    """List all collections, or show one."""
    from .watch import folder_lines, registry

    summaries, fields, tuning = call_api(lambda resift: _summaries(resift, name))
    watched = registry()
    if as_json:
        rows = watched.shown(name)
        print_json({"collections": summaries, "fields": fields, "tuning": tuning, "watched": rows})
    elif not summaries:
        say("No collections yet. Start with: resift ingest PATH")
    else:
        show(_summary_table(summaries))
        if fields:
            show(_fields_table(fields))
        for line in (*_tuning_lines(tuning), *(f"watched for {each}" for each in folder_lines(watched, name))):
            say(line)


async def _summaries(
    resift: Resift, name: str
) -> tuple[Sequence[CollectionSummary], Sequence[FieldSummary], Mapping[str, Tuning]]:
    summaries = await resift.collections(name)
    if not name:
        return summaries, [], {}
    return summaries, await resift.fields(name), await resift.tunings(name)


def _summary_table(summaries: Sequence[CollectionSummary]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("collection", "documents", "passages", "encoder", "fields or problem")
    for each in summaries:
        table.add_row(
            each.name,
            "many" if each.documents is None else f"{each.documents:,}",
            f"{each.passages:,}",
            each.encoder,
            escape(each.problem or ", ".join(each.fields)),
        )
    return table


def _fields_table(fields: Sequence[FieldSummary]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("field", "type", "range", "most frequent values (passages)")
    for each in fields:
        values = ", ".join(f"{value} ({count})" for value, count in each.values)
        range_ = "" if each.range is None else " to ".join(map(str, each.range))
        table.add_row(escape(each.name), each.type, escape(range_), escape(values))
    return table


def _tuning_lines(tunings: Mapping[str, Tuning]) -> list[str]:
    """Return a line for each reranker that the collection is tuned for."""
    lines: list[str] = []
    for name, tuning in sorted(tunings.items()):
        weights = ", ".join(f"{signal} {weight:.2f}" for signal, weight in tuning.weights.items())
        gain = f"{tuning.gain:+.3f} nDCG@10 on {tuning.questions} questions"
        found = (
            f"{weights}; depth {tuning.depth}; {gain}" if weights else f"relevance alone, {tuning.questions} questions"
        )
        lines.append(f"tuned for {name}, {tuning.created}: {found}")
    return lines
