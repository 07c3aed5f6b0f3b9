"""`resift optimize` and `resift tune --memory`: how a collection's vectors are stored, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from ....core.errors import InvalidInput
from ....core.text import counted
from ....store.index_options import IndexOptions, Quantization
from ..command import CollectionName, run_on_engine
from ..console import progress_bar, say, show

if TYPE_CHECKING:
    from rich.table import Table

    from ....factories.engine import Engine
    from ....ingest.report import Progress
    from ....store.indexing import IndexMeasurement, Optimized
    from ....store.protocols import StatusCallback

MAX_SLOWDOWN = 1.5  # search time relative to no quantization; more time is not worth the memory saved

MIN_PASSAGES = 1000  # below, every way of storing vectors fits in memory

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class StorageTrial:
    """One way of storing vectors, and its measured quality and cost."""

    storage: IndexOptions
    trial: IndexMeasurement
    disk_mb: float


@app.command()
def optimize(
    name: Annotated[str, typer.Argument(help="The collection, as with --collection.", metavar="COLLECTION")] = "",
    collection: CollectionName = "default",
    quantization: Annotated[
        Quantization | None, typer.Option(help="Switch to this quantization. Default: keep the current one.")
    ] = None,
) -> None:
    """Rebuild a collection's index. Searches keep working meanwhile."""
    if name and collection not in (name, "default"):
        raise typer.BadParameter(f"Two collections are given, {name!r} and {collection!r}. Give one of them.")
    if not run_on_engine(lambda engine: _optimize(engine, name or collection, quantization)):
        raise typer.Exit(1)


async def _optimize(engine: Engine, name: str, quantization: Quantization | None) -> bool:
    """Rebuild the index and print its recall; return whether the recall is as high as required."""
    from ....store.indexing import optimize as optimize_index

    collection = await engine.services.pipeline.open(name)
    storage = collection.manifest.storage
    if quantization is not None:
        storage = replace(storage, quantization=quantization)
    with progress_bar("Optimizing") as progress:
        done = await optimize_index(collection, storage, on_status=_reporter(progress))
    say(_summary(name, done))
    return done.recall >= done.storage.recall


async def compare_memory(engine: Engine, name: str, *, apply: bool) -> bool:
    """Try every quantization on a copy of the collection and recommend one; switch to it if `apply` is true.

    Returns False if the collection was switched and its recall is too low.

    Raises:
        InvalidInput: If the collection is not embedded, or too small for the choice to matter.
    """
    from ....store.edge.store import EdgeCollection

    collection = await engine.services.pipeline.open(name)
    if not isinstance(collection, EdgeCollection):
        raise InvalidInput(
            "The memory of a Qdrant server cannot be measured from here. Choose a quantization by the table in "
            f"docs/scale.md and switch to it with `resift optimize -c {name} --quantization int8`, or copy the "
            "collection to the data folder with `resift move --from URL` and measure the copy."
        )
    if (passages := await collection.count()) < MIN_PASSAGES:
        found = counted(passages, "passage")
        raise InvalidInput(f"{name!r} has {found}; with fewer than {MIN_PASSAGES:,} no memory is saved.")
    trials = dict[Quantization, StorageTrial]()
    kinds = get_args(Quantization)
    with progress_bar("Measuring") as progress:
        for place, kind in enumerate(kinds):
            storage = replace(collection.manifest.storage, quantization=kind)
            report = _reporter(progress, place, len(kinds), f"{kind}: ")
            trial, disk_bytes = await collection.measure_index(storage, on_status=report)
            trials[kind] = StorageTrial(storage, trial, disk_bytes / 1e6)
    show(_memory_table(trials, title=f"{name}, {counted(passages, 'passage')}"))
    chosen = recommend(trials)
    say(f"Recommended: {chosen}.")
    if not apply:
        is_used = chosen == collection.manifest.storage.quantization
        command = f"To switch to it, run: resift optimize -c {name} --quantization {chosen}"
        say(f"{name} uses it already." if is_used else command)
        return True
    return await _optimize(engine, name, chosen)


def recommend(trials: Mapping[Quantization, StorageTrial]) -> Quantization:
    """Return the quantization with the least memory among those with enough recall and speed."""
    slowest = MAX_SLOWDOWN * trials["none"].trial.milliseconds
    good: dict[Quantization, float] = {
        kind: each.trial.resident_mb
        for kind, each in trials.items()
        if each.trial.recall >= each.storage.recall and each.trial.milliseconds <= slowest
    }
    return min(good, key=lambda kind: good[kind]) if good else "none"


def _memory_table(trials: Mapping[Quantization, StorageTrial], *, title: str) -> Table:
    from rich.table import Table

    from ....store.indexing import CUTOFF

    table = Table("quantization", f"recall@{CUTOFF}", "search ms", "memory MB", "disk MB", "load s", title=title)
    for kind, each in trials.items():
        trial = each.trial
        table.add_row(
            kind,
            f"{trial.recall:.3f}",
            f"{trial.milliseconds:.1f}",
            f"{trial.resident_mb:.0f}",
            f"{each.disk_mb:.0f}",
            f"{trial.load_seconds:.2f}",
        )
    return table


def _summary(name: str, done: Optimized) -> str:
    from ....store.indexing import CUTOFF

    storage = done.storage
    if storage.quantization == "none" and not storage.has_graph(done.passages) and done.recall == 1:
        every = f"all {done.passages:,} passages" if done.passages > 1 else "all passages"
        return f"{name}: no index needed, because every search compares {every}."
    index = f"HNSW searched with ef={storage.breadth}" if storage.has_graph(done.passages) else "a full scan"
    text = (
        f"{name}: {counted(done.passages, 'passage')}, quantization {storage.quantization}, {index}; searches find "
        f"{done.recall:.1%} of the first {CUTOFF} hits of an exact search."
    )
    if done.recall >= storage.recall:
        return text
    return (
        f"{text} This is below RESIFT_INDEX__RECALL, which was {storage.recall:.0%} when the collection was made. "
        "Choose another --quantization."
    )


def _reporter(progress: Progress, done: int = 0, total: int = 0, prefix: str = "") -> StatusCallback:
    async def report(message: str) -> None:
        await progress(done, total, f"{prefix}{message}")

    return report
