"""What people see on the terminal: tables, progress, JSON."""

import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, dropwhile, islice
from typing import Any

from pydantic_core import to_json
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ...core.values import Hit, Ranking
from ...ingest.job import IngestReport
from ...ingest.job import Progress as JobProgress
from ...pipeline.overview import FieldOverview, Overview
from ...pipeline.question import Page
from ...rerank.signals import FROM_METADATA
from ...store.manifest import Tuning
from ...tools.results import citation

PIPE_WIDTH = 120  # of a table that goes to a file or another program


class _Output(Console):
    """stdout. When its reader goes away, as `head` does, the rest is not written, and the command ends as it would."""

    def on_broken_pipe(self) -> None:
        """Say no more, here and when Python closes stdout."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


OUT = _Output(width=None if sys.stdout.isatty() else PIPE_WIDTH)

ERR = Console(stderr=True)

MAX_FAILURES = 20

SNIPPET_CHARACTERS = 160

RETRIEVED, BLEND = "fused", "blend"  # scores: of retrieval, and of retrieval with what read the hits


@contextmanager
def progress_bar(label: str) -> Generator[JobProgress]:
    """Yield a progress function that draws a bar on stderr, or nothing when that is not a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as bar:
        task = bar.add_task(label, total=None, message="")

        async def advance(done: float, total: int, message: str) -> None:
            bar.update(task, completed=done, total=total, message=message)

        yield advance


def print_json(value: Any) -> None:
    """Print a value as JSON, indented, without colours."""
    OUT.out(to_json(value, indent=2).decode(), highlight=False)


def report_answer(report: IngestReport) -> dict[str, Any]:
    """Return an ingestion's report for JSON."""
    return asdict(report)


def print_report(report: IngestReport, collection: str) -> None:
    """Print what an ingestion did; failures go to stderr."""
    counts = ", ".join(f"{getattr(report, name):,} {name}" for name in ("added", "updated", "unchanged", "removed"))
    OUT.print(f"{collection}: {counts}; {report.passages:,} passages written.", highlight=False)
    if report.truncated:
        OUT.print(f"{report.truncated:,} passages are longer than the encoder's window; it read their beginnings.")
    for note in report.notes:
        ERR.print(f"  {escape(note)}", highlight=False, soft_wrap=True)
    for failure in report.failures[:MAX_FAILURES]:
        ERR.print(f"  failed: {escape(failure.source)}: {escape(failure.reason)}", highlight=False, soft_wrap=True)
    if len(report.failures) > MAX_FAILURES:
        ERR.print(f"  ... and {len(report.failures) - MAX_FAILURES} more failures.")


def print_page(page: Page) -> None:
    """Print a page of hits."""
    OUT.print(hits_table(page.ranking.hits) if page.ranking.hits else "Nothing found.")
    _print_verdict(page)


def print_explained(page: Page, *, rows: int) -> None:
    """Print the first rows of the order before and after reranking, and each stage's time."""
    OUT.print(explain_table(page.ranking, rows=rows) if page.ranking.hits else "Nothing found.")
    for stage in page.ranking.stages:
        counts = f"{stage.received} in, {stage.returned} out"
        line = f"{stage.name:<8}{stage.milliseconds:8.1f} ms  {counts}  {stage.model}  {stage.note}"
        OUT.print(escape(line.rstrip()), style="dim", highlight=False)
    _print_verdict(page)


def _print_verdict(page: Page) -> None:
    for note in page.ranking.notes:
        OUT.print(f"note: {escape(note)}", style="yellow")
    OUT.print(f"verdict: {page.verdict}", style="bold")


def hits_table(hits: Sequence[Hit]) -> Table:
    """Return hits with their citation and the beginning of their text."""
    table = Table("#", "relevance", "passage", show_lines=True)
    for hit in hits:
        place = citation(hit.passage.source, hit.passage.start_line, hit.passage.end_line) or hit.passage.id
        body = f"[bold]{escape(_name(hit))}[/bold]\n{escape(_snippet(hit.passage.text))}\n[dim]{escape(place)}[/dim]"
        table.add_row(str(hit.rank), _relevance(hit), body)
    return table


def explain_table(ranking: Ranking, *, rows: int) -> Table:
    """Return the first rows of the first stage's order beside those of the final one, with all scores and moves.

    The hits are in final order and hold both orders' first rows.
    """
    scores = _later_scores(ranking)
    table = Table("before", RETRIEVED, "after", *scores, "relevance", "move")
    before = sorted(ranking.hits, key=_was)[:rows]
    for first, hit in zip(before, ranking.hits[:rows], strict=True):
        table.add_row(
            f"#{_was(first)} {escape(_name(first))}",
            _score(first, RETRIEVED),
            f"#{hit.rank} {escape(_name(hit))}",
            *(_score(hit, name) for name in scores),
            _relevance(hit),
            _move(hit),
        )
    return table


def _later_scores(ranking: Ranking) -> list[str]:
    """Return the names of the scores after retrieval, in the order of their stages, the blend behind what is in it."""
    later = [name for name in dict.fromkeys(chain.from_iterable(map(_after_retrieval, ranking.hits))) if name != BLEND]
    blended = {*FROM_METADATA, *(stage.name for stage in ranking.stages if stage.kind == "score")}
    places = [place for place, name in enumerate(later, start=1) if name in blended]
    return [*later[: places[-1]], BLEND, *later[places[-1] :]] if places else later


def _after_retrieval(hit: Hit) -> Iterator[str]:
    """Return the names of the hit's scores after that of retrieval; they stand in the order they were given."""
    return islice(dropwhile(lambda name: name != RETRIEVED, hit.scores), 1, None)


def _was(hit: Hit) -> int:
    return hit.was or hit.rank


def _move(hit: Hit) -> str:
    if _was(hit) == hit.rank:
        return ""
    move = f"#{_was(hit)} -> #{hit.rank}"
    return f"[green]{move}[/green]" if hit.rank < _was(hit) else move


def overview_table(overviews: Sequence[Overview]) -> Table:
    """Return collections with their sizes."""
    table = Table("collection", "documents", "passages", "encoder", "fields or problem")
    for each in overviews:
        table.add_row(
            each.name,
            "many" if each.documents is None else f"{each.documents:,}",
            f"{each.passages:,}",
            each.encoder,
            escape(each.problem or ", ".join(each.fields)),
        )
    return table


def fields_table(fields: Sequence[FieldOverview]) -> Table:
    """Return metadata fields with their commonest values."""
    table = Table("field", "type", "commonest values (passages)")
    for each in fields:
        values = ", ".join(f"{value} ({count})" for value, count in each.values)
        table.add_row(escape(each.name), each.type, escape(values))
    return table


def tuning_lines(tunings: Mapping[str, Tuning]) -> list[str]:
    """Return a line for each reranker that a collection is tuned for."""
    lines: list[str] = []
    for name, tuning in sorted(tunings.items()):
        weights = ", ".join(f"{signal} {weight:.2f}" for signal, weight in tuning.weights.items())
        gain = f"{tuning.gain:+.3f} nDCG@10 on {tuning.questions} questions"
        lines.append(f"tuned for {name}, {tuning.created}: {weights}; depth {tuning.depth}; {gain}")
    return lines


def _name(hit: Hit) -> str:
    return " > ".join(part for part in (hit.passage.title, hit.passage.heading) if part) or hit.passage.id


def _snippet(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SNIPPET_CHARACTERS else f"{line[:SNIPPET_CHARACTERS]}…"


def _score(hit: Hit, name: str) -> str:
    return f"{hit.scores[name]:.3f}" if name in hit.scores else ""


def _relevance(hit: Hit) -> str:
    return "" if hit.relevance is None else f"{hit.relevance:.2f}"
