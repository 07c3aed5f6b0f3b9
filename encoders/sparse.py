"""Sparse vectors from any model that fastembed supports, such as SPLADE and miniCOIL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InvalidInput, ModelError, nearest
from ..core.vectors import Sparse
from ..models.lazy import Lazy
from ..models.worker_pool import WorkerPool

if TYPE_CHECKING:
    from fastembed import SparseTextEmbedding


class FastembedSparse:
    """A model by its fastembed name, or `NAME=FOLDER` with the folder of its files; it is loaded on first use."""

    def __init__(self, reference: str, workers: WorkerPool) -> None:
        name, _, folder = reference.partition("=")
        self._name, self.idf = _known(name)
        self._folder = Path(folder).expanduser() if folder else None
        self._workers = workers
        self._model = Lazy(self._open)

    @property
    def fingerprint(self) -> str:
        """Return the name of the model."""
        return self._name

    async def encode(self, texts: Sequence[str]) -> list[Sparse]:
        """Return the texts' vectors; one text at a time, so that no vector depends on the texts beside it."""
        model = await self._model.get()
        return await self._workers.map(lambda text: _only(model.embed([text])), texts)

    async def encode_query(self, query: str) -> Sparse:
        """Return the query's vector."""
        model = await self._model.get()
        return await self._workers.run(lambda: _only(model.query_embed(query)))

    def _open(self) -> SparseTextEmbedding:
        from fastembed import SparseTextEmbedding

        if self._folder is not None and not self._folder.is_dir():
            raise ModelError(
                f"No folder {self._folder}. Correct RESIFT_VECTORS__WORDS, or give only the name to download the model."
            )
        place: dict[str, Any] = {} if self._folder is None else {"specific_model_path": str(self._folder)}
        try:
            return SparseTextEmbedding(self._name, threads=1, **place)
        except Exception as error:
            raise ModelError(
                f"The model {self._name!r} could not be loaded: {error}. Check that the hub is reachable, or "
                f"name a folder with its files: RESIFT_VECTORS__WORDS={self._name}=FOLDER."
            ) from error


def _known(name: str) -> tuple[str, bool]:
    from fastembed import SparseTextEmbedding

    models = {each["model"]: bool(each.get("requires_idf")) for each in SparseTextEmbedding.list_supported_models()}
    for known, idf in models.items():
        if known.lower() == name.lower():
            return known, idf
    listed = ", ".join(sorted(models))
    raise InvalidInput(
        f"RESIFT_VECTORS__WORDS = {name!r} is not a known model.{nearest(name, models)} Known: bm25, {listed}."
    )


def _only(embeddings: Iterable[Any]) -> Sparse:
    found = next(iter(embeddings))
    kept = [(int(index), float(value)) for index, value in zip(found.indices, found.values, strict=True) if value]
    return Sparse(tuple(index for index, _ in kept), tuple(value for _, value in kept))
