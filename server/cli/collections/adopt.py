"""`resift adopt`: make a collection searchable that another program wrote to a Qdrant server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ....core.errors import InvalidInput
from ..command import run_on_engine
from ..console import progress_bar, say, warn

if TYPE_CHECKING:
    from ....encoders.bm25 import Bm25Options
    from ....encoders.protocols import Encoder
    from ....factories.engine import Engine
    from ....settings.load import Settings
    from ....store.field_mapping import FieldMapping
    from ....store.manifest import Manifest
    from ....store.qdrant.adopted.survey import StoredVector, Survey
    from ....store.qdrant.store import QdrantStore

ANOTHER_MODEL = 0.5  # a lower cosine means two models; vectors of one model agree above 0.9, however quantized

ANOTHER_TEXT = 0.9  # a lower cosine means that something besides the text was encoded, or that it was cut elsewhere

OTHER_TERMS = 0.5  # share of terms in common: a difference in stemming alone leaves more than this

PATHS = ("text", "title", "source", "document", "order")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class AdoptRequest:
    """The arguments of the command; an empty path means that the payload has no such field."""

    name: str
    text: str = ""
    title: str = ""
    source: str = ""
    document: str = ""
    order: str = ""
    vector: str | None = None
    keywords: str = ""
    model: str = ""
    add_keywords: bool = False
    force: bool = False
    forget: bool = False


@app.command()
def adopt(
    name: Annotated[str, typer.Argument(help="A collection on the Qdrant server that Resift did not make.")],
    text: Annotated[str, typer.Option("--text-field", help="Field with the text; without it, one is suggested.")] = "",
    title: Annotated[str, typer.Option("--title-field", help="Field with the title.")] = "",
    source: Annotated[str, typer.Option("--source-field", help="Field with the path or URL.")] = "",
    document: Annotated[
        str, typer.Option("--document-field", help="Field that is equal for all points of a document.")
    ] = "",
    order: Annotated[str, typer.Option("--order-field", help="Field with a number that orders the points.")] = "",
    vector: Annotated[str | None, typer.Option(help="Vector of the text, or (unnamed). Default: the only one.")] = None,
    keywords: Annotated[str, typer.Option(help="An existing sparse vector that holds BM25 weights.")] = "",
    model: Annotated[str, typer.Option(help="Model that made the vectors; must be the encoder in use.")] = "",
    add_keywords: Annotated[
        bool, typer.Option("--add-keywords", help="Add BM25 vectors to the points that have none.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Accept any model's vectors; with --add-keywords: replace all.")
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Undo the adoption. The points are kept.")] = False,
) -> None:
    """Search a collection that another program made. Its points are not changed. Fields are paths in the payload."""
    request = AdoptRequest(
        name=name,
        text=text,
        title=title,
        source=source,
        document=document,
        order=order,
        vector=vector,
        keywords=keywords,
        model=model,
        add_keywords=add_keywords,
        force=force,
        forget=forget,
    )
    run_on_engine(lambda engine: adopt_collection(engine, request))


async def adopt_collection(engine: Engine, request: AdoptRequest) -> None:
    """Adopt a collection, or undo its adoption.

    Raises:
        InvalidInput: If the store is embedded, the mapping is missing or wrong, or another model made the vectors.
        NotFound: If the collection does not exist.
    """
    from ....store.qdrant.manifests import delete_manifest, save_manifest
    from ....store.qdrant.store import QdrantStore

    store, name = engine.services.store, request.name
    if not isinstance(store, QdrantStore):
        raise InvalidInput("Collections are adopted on a Qdrant server, and none is configured. Set QDRANT_URL.")
    before = await _adopted_before(store, name)
    if request.forget:
        if before is None:
            raise InvalidInput(f"Collection {name!r} is not adopted, so there is nothing to undo.")
        await delete_manifest(store.connection, name)
        say(f"{name}: no longer adopted. Its points are unchanged.")
        return
    manifest = before
    if manifest is None or request.text:
        manifest = await _map(engine, store, request, before)
        await save_manifest(store.connection, name, manifest, over=before)
        say(_adopted_line(name, manifest))
    elif not request.add_keywords:
        raise InvalidInput(
            f"Collection {name!r} is already adopted. Give --text-field and the other fields again to change the "
            "mapping, --add-keywords to make searches hybrid, or --forget to undo the adoption."
        )
    if request.add_keywords:
        await _add_keywords(store, name, manifest, force=request.force)


async def _add_keywords(store: QdrantStore, name: str, manifest: Manifest, *, force: bool) -> None:
    from ....store.qdrant.adopted.keywords import add_keywords

    if manifest.adopted is None:
        return
    with progress_bar(name) as progress:
        added = await add_keywords(store.connection, name, manifest, manifest.adopted, anew=force, progress=progress)
    say(
        f"{name}: BM25 vectors added to {added.now:,} points; {added.points:,} points have one, "
        f"{added.without_words:,} have no words. Searches are hybrid now. Run this again after points were added, and "
        "with --force after texts were changed in place."
    )


async def _adopted_before(store: QdrantStore, name: str) -> Manifest | None:
    """Return the manifest of an adopted collection, or None if it is not adopted.

    Raises:
        NotFound: If the collection does not exist.
        InvalidInput: If Resift made it.
    """
    from ....store.qdrant.adopted.suggest import check_name_to_adopt
    from ....store.qdrant.manifests import load_manifest

    check_name_to_adopt(name, list(await store.all_names()))
    manifest = await load_manifest(store.connection, name)
    if manifest is not None and manifest.adopted is None:
        raise InvalidInput(f"Collection {name!r} was made by Resift and does not need to be adopted.")
    return manifest


async def _map(engine: Engine, store: QdrantStore, request: AdoptRequest, before: Manifest | None) -> Manifest:
    """Return the collection's manifest after checking that the encoder made its vectors.

    The tuning of the manifest `before` is kept, and so are its BM25 vectors if the texts are still the same.
    """
    from ....core.vectors import BM25, DENSE, TEXT_FIELD, VectorSpec
    from ....store.manifest import ADOPTED_VERSION, Manifest
    from ....store.qdrant.adopted.suggest import check_paths, choose_dense, choose_sparse, suggestion
    from ....store.qdrant.adopted.survey import fields_of, survey

    seen = await survey(store.connection, request.name)
    if not request.text:
        raise InvalidInput(suggestion(request.name, seen))
    bm25 = _bm25_options(engine.settings, seen, request)
    in_use = _bm25_vector_in_use(before, request, bm25)
    dense, sparse = choose_dense(seen, request.vector), choose_sparse(seen, request.keywords or in_use)
    mapping = _mapping(request, dense, sparse)
    check_paths(seen, {f"--{path}-field": getattr(request, path) for path in PATHS})
    await _check_model(engine.encoder, request, seen, mapping, dense)
    bm25 = before.lexical if before and in_use else bm25
    vectors = {DENSE: VectorSpec("dense", TEXT_FIELD, model=engine.encoder.fingerprint, dimension=dense.dimension)}
    if sparse is not None:
        _check_keywords(seen, mapping, bm25, sparse, force=request.force)
        vectors[BM25] = VectorSpec("sparse", TEXT_FIELD, model=BM25, idf=sparse.idf)
    fields, types = fields_of(seen, besides=(mapping.text, mapping.title, mapping.source, mapping.document))
    return Manifest(
        vectors=vectors,
        lexical=bm25,
        chunking="",
        fields=types,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        schema_version=ADOPTED_VERSION,
        storage=engine.settings.index.storage(),
        adopted=replace(mapping, fields=fields),
        tuning=before.tuning if before else {},
    )


def _mapping(request: AdoptRequest, dense: StoredVector, sparse: StoredVector | None) -> FieldMapping:
    from ....core.vectors import BM25, DENSE
    from ....store.field_mapping import FieldMapping
    from ....store.qdrant.adopted.suggest import distance_of

    return FieldMapping(
        text=request.text,
        vectors={DENSE: dense.name} | ({} if sparse is None else {BM25: sparse.name}),
        title=request.title,
        source=request.source,
        document=request.document,
        order=request.order,
        distance=distance_of(dense),
    )


def _bm25_options(settings: Settings, seen: Survey, request: AdoptRequest) -> Bm25Options:
    """Return the BM25 options of Resift's own collections, but with the average length of these texts."""
    from ....encoders.bm25 import Bm25Options, mean_length

    search = settings.search
    options = Bm25Options(search.average_length, search.language, tokenizer=search.tokenizer)
    return replace(options, average_length=mean_length(seen.texts(request.text), options))


def _bm25_vector_in_use(before: Manifest | None, request: AdoptRequest, bm25: Bm25Options) -> str:
    """Return the BM25 vector of the manifest `before`, or "" if it would be different now."""
    from ....core.vectors import BM25

    if before is None or before.adopted is None or BM25 not in before.vectors:
        return ""
    adopted, lexical = before.adopted, before.lexical
    made_of = (adopted.text, adopted.title, replace(lexical, average_length=bm25.average_length))
    return adopted.vectors[BM25] if made_of == (request.text, request.title, bm25) else ""


async def _check_model(
    encoder: Encoder, request: AdoptRequest, seen: Survey, mapping: FieldMapping, dense: StoredVector
) -> None:
    """Refuse a model that did not make the vectors; warn if it encoded something besides the text."""
    from ....store.qdrant.adopted.model_check import dense_agreement

    model = encoder.fingerprint
    if request.model.rpartition("/")[2].lower() not in model.lower():
        raise InvalidInput(
            f"The encoder in use is {model}, not {request.model}. Set RESIFT_ENCODER__KIND and RESIFT_ENCODER__MODEL "
            "to that model, here and wherever the collection is searched (docs/encoders.md), and run this again."
        )
    if (size := len((await encoder.encode_query("What is this?")).vector)) != dense.dimension:
        raise InvalidInput(
            f"{dense.shown}: the encoder {model} makes vectors of {size} dimensions. Set RESIFT_ENCODER__KIND and "
            "RESIFT_ENCODER__MODEL to the model that made the collection's vectors (docs/encoders.md)."
        )
    found = await dense_agreement(seen, mapping, encoder)
    if not found.points:
        warn(f"No sampled point has both a text and a vector, so it is unknown whether {model} made the vectors.")
        return
    measured = f"{found.points} stored vectors and those of {model} agree at a median cosine of {found.median:.3f}"
    if found.median < ANOTHER_MODEL and not request.force:
        raise InvalidInput(
            f"{measured}: another model made them, and searches would find nothing useful. Set RESIFT_ENCODER__KIND "
            "and RESIFT_ENCODER__MODEL to that model (docs/encoders.md), or correct --text-field and --vector. To "
            "adopt the collection all the same, add --force."
        )
    say(f"{measured}.")
    if found.median < ANOTHER_TEXT:
        warn(
            "That is less than one model makes of the same texts. Either something besides the text was encoded (a "
            "title: give --title-field; a prefix: set RESIFT_ENCODER__PASSAGE_PREFIX), or a related model made the "
            "vectors. Compare the alternatives with `resift eval`."
        )


def _check_keywords(
    seen: Survey, mapping: FieldMapping, bm25: Bm25Options, sparse: StoredVector, *, force: bool
) -> None:
    """Refuse sparse vectors that are not BM25; warn if they are searched without IDF."""
    from ....encoders.bm25 import Bm25Encoder
    from ....store.qdrant.adopted.model_check import keyword_agreement

    found = keyword_agreement(seen, mapping, Bm25Encoder(bm25))
    if not found.points:
        warn(f"No sampled point has both a text and a vector in {sparse.shown}, so it is unknown if it holds BM25.")
        return
    measured = f"{found.points} vectors in {sparse.shown} and BM25 share {found.median:.0%} of their terms"
    if found.median < OTHER_TERMS and not force:
        raise InvalidInput(
            f"{measured}: they are not BM25. Correct RESIFT_SEARCH__LANGUAGE, or replace --keywords by --add-keywords "
            "--force, which makes new ones. To use them all the same, add --force alone."
        )
    say(f"{measured}.")
    if not sparse.idf:
        warn("They are searched without the IDF modifier: rare words count no more than common ones.")


def _adopted_line(name: str, manifest: Manifest) -> str:
    from ....core.vectors import BM25

    fields = ", ".join(sorted(manifest.fields)) or "none"
    hybrid = BM25 in manifest.vectors
    hint = "" if hybrid else " Searches are by meaning alone; run this with --add-keywords to make them hybrid."
    return f"{name}: adopted. Its points are unchanged. Metadata fields for filters: {fields}.{hint}"
