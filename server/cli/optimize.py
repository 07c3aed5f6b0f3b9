"""`resift optimize` and `resift tune --memory`: how a collection's vectors are kept, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from rich.table import Table

from ...core.errors import InvalidInput
from ...factories.engine import Engine, build_engine
from ...settings.load import Settings
from ...store.edge.collection import EdgeCollection
from ...store.index_options import IndexOptions, Quantization
from ...store.indexing import AT, Optimized, Trial, optimize
from .console import ERR, OUT

SLOWER_AT_MOST = 1.5  # times the search without quantization: memory is not bought with more time than this

FEWEST = 1000  # passages: below, everything fits anywhere


@dataclass(frozen=True, slots=True)
class Option:
    """One way to keep vectors, and how it did."""

    storage: IndexOptions
    trial: Trial
    disk_mb: float


async def optimize_anew(settings: Settings, name: str, *, quantization: Quantization | None) -> bool:
    """Do `run_optimize` on an engine of its own."""
    engine = build_engine(settings)
    try:
        return await run_optimize(engine, name, quantization=quantization)
    finally:
        await engine.close()


async def run_optimize(engine: Engine, name: str, *, quantization: Quantization | None) -> bool:
    """Build the index, say what it finds; return whether that is as much as is wanted."""
    collection = await engine.services.pipeline.open(name)
    storage = collection.manifest.storage
    if quantization is not None:
        storage = replace(storage, quantization=quantization)
    done = await optimize(collection, storage, say=_say)
    OUT.print(_summary(name, done), highlight=False, soft_wrap=True)
    return done.recall >= done.storage.recall


async def run_memory(engine: Engine, name: str, *, apply: bool) -> bool:
    """Try every quantization on a copy of the collection, recommend one, and change over when asked; return True.

    Raises:
        InvalidInput: When the collection is not embedded, or too small for it to matter.
    """
    collection = await engine.services.pipeline.open(name)
    if not isinstance(collection, EdgeCollection):
        raise InvalidInput(
            "What a server's memory holds cannot be measured from here, nor a collection be tried without room for a "
            f"second. `resift optimize -c {name} --quantization int8` changes over and says what searches find; "
            "docs/scale.md works out the memory. `resift move --from` brings a copy here, where it can be measured."
        )
    if (passages := await collection.count()) < FEWEST:
        raise InvalidInput(f"{name!r} has {passages:,} passages: below {FEWEST:,} there is no memory to save.")
    options = dict[Quantization, Option]()
    for kind in get_args(Quantization):
        storage = replace(collection.manifest.storage, quantization=kind)
        trial, disk_bytes = await collection.try_storage(storage, say=_say)
        options[kind] = Option(storage, trial, disk_bytes / 1e6)
    OUT.print(memory_table(options, title=f"{name}, {passages:,} passages"))
    chosen = recommend(options)
    OUT.print(f"Recommended: {chosen}.", highlight=False)
    if not apply:
        OUT.print(f"`resift optimize -c {name} --quantization {chosen}` changes over.", highlight=False, soft_wrap=True)
        return True
    return await run_optimize(engine, name, quantization=chosen)


def recommend(options: Mapping[Quantization, Option]) -> Quantization:
    """Return the way that takes the least memory among those that find enough and are not much slower."""
    slowest = SLOWER_AT_MOST * options["none"].trial.milliseconds
    good: dict[Quantization, float] = {
        kind: option.trial.resident_mb
        for kind, option in options.items()
        if option.trial.recall >= option.storage.recall and option.trial.milliseconds <= slowest
    }
    return min(good, key=lambda kind: good[kind]) if good else "none"


def memory_table(options: Mapping[Quantization, Option], *, title: str) -> Table:
    """Return what each way finds and costs."""
    table = Table("quantization", f"recall@{AT}", "search ms", "memory MB", "disk MB", "load s", title=title)
    for kind, option in options.items():
        trial = option.trial
        table.add_row(
            kind,
            f"{trial.recall:.3f}",
            f"{trial.milliseconds:.1f}",
            f"{trial.resident_mb:.0f}",
            f"{option.disk_mb:.0f}",
            f"{trial.load_seconds:.2f}",
        )
    return table


def _summary(name: str, done: Optimized) -> str:
    storage = done.storage
    graph = f"a graph searched {storage.breadth} wide" if storage.has_graph(done.passages) else "a scan"
    text = (
        f"{name}: {done.passages:,} passages, quantization {storage.quantization}, {graph}; searches find "
        f"{done.recall:.1%} of an exact search's first {AT} hits."
    )
    if done.recall >= storage.recall:
        return text
    return (
        f"{text} That is less than RESIFT_INDEX__RECALL, {storage.recall:.0%}, asked for when the collection was made: "
        "choose another --quantization."
    )


async def _say(message: str) -> None:
    ERR.print(f"{message} ...", style="dim", highlight=False)
