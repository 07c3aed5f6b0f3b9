"""`resift adopt`: make a collection searchable that Resift did not make."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ...core.errors import InvalidInput, NotFound
from ...core.vectors import BM25, DENSE, TEXT_FIELD, VectorSpec
from ...encoders.bm25 import Bm25Encoder, Bm25Options, mean_length
from ...factories.engine import Engine, build_engine
from ...settings.load import Settings
from ...store.field_mapping import FieldMapping
from ...store.manifest import ADOPTED_VERSION, Manifest
from ...store.protocols import check_name, unknown_collection
from ...store.qdrant.adopted.keywords import add_keywords
from ...store.qdrant.adopted.model_check import dense_agreement, keyword_agreement
from ...store.qdrant.adopted.suggest import check_paths, choose_dense, choose_sparse, distance_of, suggestion
from ...store.qdrant.adopted.survey import StoredVector, Survey, fields_of, survey
from ...store.qdrant.manifests import forget_manifest_of, keep_manifest_of, read_manifest_of
from ...store.qdrant.store import QdrantStore
from .console import ERR, OUT, progress_bar

ANOTHER_MODEL = 0.5  # below, a cosine is that of two models; of one model, however it was quantized, it is above 0.9

ANOTHER_TEXT = 0.9  # below, something beside the text was encoded, or it was cut elsewhere

PARTS = ("text", "title", "source", "document", "order")

OTHER_WORDS = 0.5  # share of terms: other stemming alone leaves more than this


@dataclass(frozen=True, slots=True)
class AdoptRequest:
    """What the command line asked for; an empty path: there is no such thing."""

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


async def run_adopt(settings: Settings, request: AdoptRequest) -> bool:
    """Adopt a collection, or let go of it; return True.

    Raises:
        InvalidInput: When the store is embedded, the mapping is missing or wrong, or another model made the vectors.
        NotFound: When there is no such collection.
    """
    engine = build_engine(settings)
    try:
        store = engine.services.store
        if not isinstance(store, QdrantStore):
            raise InvalidInput(
                "Collections are adopted at a Qdrant server: set QDRANT_URL. The data folder holds Resift's own alone."
            )
        await _adopt(engine, store, request)
    finally:
        await engine.close()
    return True


async def _adopt(engine: Engine, store: QdrantStore, request: AdoptRequest) -> None:
    name, before = request.name, await _manifest_there(store, request.name)
    if request.forget:
        if before is None:
            raise InvalidInput(f"Collection {name!r} is not adopted: there is nothing to forget.")
        await forget_manifest_of(store.connection, name)
        _say(f"{name}: Resift has let go of it; its points are as they were.")
        return
    manifest = before
    if manifest is None or request.text:
        manifest = await _mapped(engine, store, request, before)
        await keep_manifest_of(store.connection, name, manifest, over=before)
        _say(_told(name, manifest))
    elif not request.add_keywords:
        raise InvalidInput(
            f"Collection {name!r} is adopted already. To change how it is read give --text-field and the rest anew; or "
            "--add-keywords, or --forget."
        )
    if request.add_keywords and manifest.adopted is not None:
        with progress_bar(name) as progress:
            added = await add_keywords(
                store.connection, name, manifest, manifest.adopted, anew=request.force, progress=progress
            )
        _say(
            f"{name}: {added.now:,} points got vectors of words now, {added.points:,} have them, "
            f"{added.without_words:,} have no words. Searches are hybrid. Do this again when points were added, "
            "and with --force when texts were changed in place."
        )


async def _manifest_there(store: QdrantStore, name: str) -> Manifest | None:
    """Return the manifest of an adopted collection; None of one that is not.

    Raises:
        NotFound: When there is no such collection.
        InvalidInput: When Resift made it.
    """
    check_name(name)
    known = list(await store.all_names())
    if name not in known:
        raise NotFound(unknown_collection(name, known))
    manifest = await read_manifest_of(store.connection, name)
    if manifest is not None and manifest.adopted is None:
        raise InvalidInput(f"Collection {name!r} was made by Resift: there is nothing to adopt.")
    return manifest


async def _mapped(engine: Engine, store: QdrantStore, request: AdoptRequest, before: Manifest | None) -> Manifest:
    """Return the manifest of a collection, once its vectors were seen to be the encoder's.

    What was tuned `before` stays, and so do vectors of words that were in use, if they are still of these texts.
    """
    seen = await survey(store.connection, request.name)
    if not request.text:
        raise InvalidInput(suggestion(request.name, seen))
    words = _lexical(engine.settings, seen, request)
    in_use = _words_in_use(before, request, words)
    dense, sparse = choose_dense(seen, request.vector), choose_sparse(seen, request.keywords or in_use)
    adopted = _mapping(request, dense, sparse)
    check_paths(seen, {f"--{part}-field": getattr(request, part) for part in PARTS})
    await _check_model(engine, request, seen, adopted, dense)
    words = before.lexical if before and in_use else words
    vectors = {DENSE: VectorSpec("dense", TEXT_FIELD, model=engine.encoder.fingerprint, dimension=dense.dimension)}
    if sparse is not None:
        _check_keywords(seen, adopted, words, sparse, force=request.force)
        vectors[BM25] = VectorSpec("sparse", TEXT_FIELD, BM25, idf=sparse.idf)
    fields, types = fields_of(seen, besides=(adopted.text, adopted.title, adopted.source, adopted.document))
    return Manifest(
        vectors=vectors,
        lexical=words,
        chunking="",
        fields=types,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        schema_version=ADOPTED_VERSION,
        storage=engine.settings.index.storage(),
        adopted=replace(adopted, fields=fields),
        tuning=before.tuning if before else {},
    )


def _mapping(request: AdoptRequest, dense: StoredVector, sparse: StoredVector | None) -> FieldMapping:
    return FieldMapping(
        text=request.text,
        vectors={DENSE: dense.name} | ({} if sparse is None else {BM25: sparse.name}),
        title=request.title,
        source=request.source,
        document=request.document,
        order=request.order,
        distance=distance_of(dense),
    )


def _words_in_use(before: Manifest | None, request: AdoptRequest, words: Bm25Options) -> str:
    """Return the vector of words that was searched `before`; "" where the same would not be made of the points now."""
    if before is None or before.adopted is None or BM25 not in before.vectors:
        return ""
    adopted, lexical = before.adopted, before.lexical
    made_of = (adopted.text, adopted.title, replace(lexical, average_length=words.average_length))
    return adopted.vectors[BM25] if made_of == (request.text, request.title, words) else ""


def _lexical(settings: Settings, seen: Survey, request: AdoptRequest) -> Bm25Options:
    """Return how words are weighed: as for Resift's own collections, but by the length that these texts have."""
    search = settings.search
    words = Bm25Options(search.average_length, search.language, tokenizer=search.tokenizer)
    return replace(words, average_length=mean_length(seen.texts(request.text), words))


async def _check_model(
    engine: Engine, request: AdoptRequest, seen: Survey, adopted: FieldMapping, dense: StoredVector
) -> None:
    """Refuse a model that did not make the vectors; warn where it made them of something else than the text."""
    model = engine.encoder.fingerprint
    wanted = request.model.rpartition("/")[2].lower()
    if wanted not in model.lower():
        raise InvalidInput(
            f"The encoder is {model}, not {request.model}. Set RESIFT_ENCODER__KIND and RESIFT_ENCODER__MODEL to it, "
            "here and wherever the collection is searched (docs/encoders.md), and do this again."
        )
    size = len((await engine.encoder.encode_query("What is this?")).vector)
    if size != dense.dimension:
        raise InvalidInput(
            f"{dense.shown}: the encoder {model} makes vectors of {size} dimensions. Set RESIFT_ENCODER__KIND and "
            "RESIFT_ENCODER__MODEL to the model that made the collection's (docs/encoders.md)."
        )
    found = await dense_agreement(seen, adopted, engine.encoder)
    if not found.points:
        _warn(f"No point looked at has both a text and a vector: whether {model} made the vectors is not known.")
        return
    told = f"{found.points} stored vectors and those of {model} agree at a median cosine of {found.median:.3f}"
    if found.median < ANOTHER_MODEL and not request.force:
        raise InvalidInput(
            f"{told}: another model made them, and searches would find nothing of use. Set RESIFT_ENCODER__KIND and "
            "RESIFT_ENCODER__MODEL to it (docs/encoders.md), or correct --text-field and --vector. --force adopts it "
            "all the same."
        )
    _say(f"{told}.")
    if found.median < ANOTHER_TEXT:
        _warn(
            "That is less than one model makes of one text. Was something beside the text encoded (a title: "
            "--title-field; a prefix: RESIFT_ENCODER__PASSAGE_PREFIX), or is it a related model? Compare with "
            "`resift eval`."
        )


def _check_keywords(
    seen: Survey, adopted: FieldMapping, words: Bm25Options, sparse: StoredVector, *, force: bool
) -> None:
    """Refuse vectors of words that are no BM25; warn of rare words that count no more than common ones."""
    found = keyword_agreement(seen, adopted, Bm25Encoder(words))
    if not found.points:
        _warn(
            f"No point looked at has both words and a vector in {sparse.shown}: whether they are BM25's is not known."
        )
        return
    told = f"{found.points} vectors in {sparse.shown} and BM25 share {found.median:.0%} of their terms"
    if found.median < OTHER_WORDS and not force:
        raise InvalidInput(
            f"{told}: something else made them. Correct RESIFT_SEARCH__LANGUAGE, or leave --keywords out and give "
            "--add-keywords --force, which makes others. --force alone takes them all the same."
        )
    _say(f"{told}.")
    if not sparse.idf:
        _warn("They are searched without the IDF modifier: rare words count no more than common ones.")


def _told(name: str, manifest: Manifest) -> str:
    fields = ", ".join(sorted(manifest.fields)) or "none"
    words = "" if BM25 in manifest.vectors else " Searches are by meaning alone; --add-keywords makes them hybrid."
    return f"{name}: adopted, its points as they were. Fields to filter by: {fields}.{words}"


def _say(text: str) -> None:
    OUT.print(text, highlight=False, soft_wrap=True, markup=False)


def _warn(text: str) -> None:
    ERR.print(f"Warning: {text}", style="yellow", highlight=False, soft_wrap=True, markup=False)
