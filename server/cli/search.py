"""`resift search`, and how hits are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, dropwhile, islice, pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...api.requests import DetailLevel
from ...pipeline.page import OFF_TOPIC_HITS
from ...pipeline.request import SearchRequest
from ...pipeline.snippet import passage_snippet
from .command import AsJson, call_api, with_options
from .console import print_json, say, show

if TYPE_CHECKING:
    from rich.table import Table

    from ...core.values import Hit, Ranking
    from ...core.verdict import Verdict
    from ...pipeline.page import Page
    from ...search.relative_paths import ShortNames

RETRIEVED, BLEND = "fused", "blend"  # scores: of retrieval, and of retrieval combined with the rerankers
MEANINGS: Mapping[Verdict, str] = {
    "good": "the first hit probably answers",
    "weak": "the hits may answer: read them",
    "none": "probably no answer in what was searched",
    "unknown": "not judged",
}

ORDER = "The order takes more into account than relevance. --explain shows all scores."

app = typer.Typer(add_completion=False, rich_markup_mode=None)


FLAGS = {
    "collection": ("--collection", "-c"),
    "limit": ("--limit", "-n"),
    "queries": ("--also",),
}


@app.command()
@with_options(SearchRequest, argument="query", flags=FLAGS, leave_out=["offset"])
def search(
    arguments: dict[str, Any],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the order before and after reranking, scores and timings.")
    ] = False,
    detail: Annotated[
        DetailLevel, typer.Option("--detail", help="full: whole passages, and all hits even if none of them answers.")
    ] = "concise",
    as_json: AsJson = False,
) -> None:
    """Search a collection and rerank the hits."""
    if not (arguments["query"] or arguments["like"]):
        raise typer.BadParameter("Give a question, or --like.")
    page = call_api(lambda resift: resift.search(**arguments))
    if as_json:
        from ...search.relative_paths import NO_NAMES
        from ...tools.results import ranking_answer

        print_json(ranking_answer(replace(page, names=NO_NAMES), full=True))
    elif explain:
        _print_explained(page, rows=arguments["limit"])
    else:
        print_hits(page, full=detail == "full")


def print_hits(page: Page, *, full: bool) -> None:
    """Print the hits; where none answers, only the first ones, unless `full`."""
    hits = page.hits[:OFF_TOPIC_HITS] if page.is_off_topic and not full else page.hits
    _print_failures(page)
    show(_hits_table(hits, page.names, query=None if full else page.query) if hits else _nothing(page))
    if not _is_by_relevance(hits):
        say(ORDER, style="dim")
    if len(hits) < len(page.hits):
        say(
            f"note: Probably no hit answers the question, so only the first {len(hits)} of {len(page.hits)} are shown. "
            "To see all of them, add --detail full.",
            style="yellow",
        )
    _print_verdict(page)


def _print_explained(page: Page, *, rows: int) -> None:
    """Print the first rows of the order before and after reranking, and each stage's time."""
    _print_failures(page)
    show(explain_table(page.ranked, rows=rows, names=page.names) if page.hits else _nothing(page))
    for stage in page.ranking.stages:
        counts = f"{stage.received} in, {stage.returned} out"
        line = f"{stage.name:<8}{stage.milliseconds:8.1f} ms  {counts}  {stage.model}  {stage.note}"
        say(line.rstrip(), style="dim")
    _print_verdict(page)


def _nothing(page: Page) -> str:
    """Return what is said in place of the hits; the notes tell why hits that answer are not shown."""
    return "Nothing found." if page.verdict == "none" else "No hits to show."


def _print_failures(page: Page) -> None:
    """Print above the hits what failed; a long table ends with the notes out of sight of its beginning."""
    if page.degraded:
        for each in page.ranking.notes:
            say(f"note: {each}", style="yellow")


def _print_verdict(page: Page) -> None:
    for each in page.ranking.notes:
        say(f"note: {each}", style="yellow")
    say(f"verdict: {page.verdict} ({MEANINGS[page.verdict]})", style="bold")


def _is_by_relevance(hits: Sequence[Hit]) -> bool:
    """Return whether no hit stands below one that the reranker finds less relevant."""
    known = [hit.relevance for hit in hits if hit.relevance is not None]
    return all(f"{first:.2f}" >= f"{second:.2f}" for first, second in pairwise(known))


def _hits_table(hits: Sequence[Hit], names: ShortNames, *, query: str | None) -> Table:
    """Return hits with their citation and the part of their text that fits the query, or all of it without one."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("#", "relevance", "passage", show_lines=True)
    for hit in hits:
        passage = hit.passage
        text = passage.text if query is None else passage_snippet(passage, query)
        place = escape(f"{_place(hit, names)}{_copies(hit, names)}")
        body = f"[bold]{escape(_name(hit))}[/bold]\n{escape(text)}\n[dim]{place}[/dim]"
        table.add_row(str(hit.rank), _relevance(hit), body)
    return table


def explain_table(ranking: Ranking, *, rows: int, names: ShortNames | None = None) -> Table:
    """Return the first rows of the retrieval order beside those of the final order, with all scores and moves.

    The hits are in final order and must include the first rows of both orders. With `names`, each has its citation.
    """
    from rich.markup import escape
    from rich.table import Table

    def cell(hit: Hit) -> str:
        name = escape(_name(hit))
        return name if names is None else f"{name}\n[dim]{escape(_place(hit, names))}[/dim]"

    scores = _later_scores(ranking)
    table = Table("before", RETRIEVED, "after", *scores, "relevance", "move")
    before = sorted(ranking.hits, key=lambda hit: (_is_new(hit), _was(hit)))[:rows]
    for first, hit in zip(before, ranking.hits[:rows], strict=True):
        table.add_row(
            "" if _is_new(first) else f"#{_was(first)} {cell(first)}",
            _score(first, RETRIEVED),
            f"#{hit.rank} {cell(hit)}",
            *(_score(hit, name) for name in scores),
            _relevance(hit),
            _move(hit),
        )
    return table


def _later_scores(ranking: Ranking) -> list[str]:
    """Return the names of the scores after retrieval in the order of their stages, the blend after its parts."""
    from ...pipeline.merging import FEEDBACK
    from ...rerank.signals import FROM_METADATA

    later = [name for name in dict.fromkeys(chain.from_iterable(map(_after_retrieval, ranking.hits))) if name != BLEND]
    blended = {FEEDBACK, *FROM_METADATA, *(stage.name for stage in ranking.stages if stage.kind == "score")}
    places = [place for place, name in enumerate(later, start=1) if name in blended]
    return [*later[: places[-1]], BLEND, *later[places[-1] :]] if places else later


def _after_retrieval(hit: Hit) -> Iterator[str]:
    """Return the names of the hit's scores after the retrieval score; scores are in the order they were given."""
    return islice(dropwhile(lambda name: name != RETRIEVED, hit.scores), 1, None)


def _was(hit: Hit) -> int:
    return hit.was or hit.rank


def _is_new(hit: Hit) -> bool:
    """Return whether only a second search found the hit, so that it has no place in the order before."""
    return RETRIEVED not in hit.scores and bool(hit.scores)


def _move(hit: Hit) -> str:
    if _is_new(hit):
        return "[green]new[/green]"
    if _was(hit) == hit.rank:
        return ""
    move = f"#{_was(hit)} -> #{hit.rank}"
    return f"[green]{move}[/green]" if hit.rank < _was(hit) else move


def _name(hit: Hit) -> str:
    return " > ".join(part for part in (hit.passage.title, hit.passage.heading) if part) or hit.passage.id


def _place(hit: Hit, names: ShortNames) -> str:
    """Return the citation of a hit, with its collection if several were searched."""
    passage = hit.passage
    lines = names.citation(passage) or names.passage_id(passage)
    return f"{passage.collection}: {lines}" if passage.collection else lines


def _copies(hit: Hit, names: ShortNames) -> str:
    """Return which other passages have the text of a hit, as a line of its own; nothing if there are none."""
    from ...tools.results import copies_of

    shown = copies_of(hit, names)
    more = len(hit.also_in) - len(shown)
    return f"\nalso in {', '.join(shown)}{f' and {more:,} more' if more else ''}" if shown else ""


def _score(hit: Hit, name: str) -> str:
    return f"{hit.scores[name]:.3f}" if name in hit.scores else ""


def _relevance(hit: Hit) -> str:
    return "" if hit.relevance is None else f"{hit.relevance:.2f}"
