"""Encoders and rerankers of other packages: found by entry point, with every failure traced to their package."""

from collections.abc import Sequence
from typing import Any

from ..core.errors import InvalidInput, ModelError, ResiftError
from ..core.plugins import PluginGroup, load_plugin, unusable
from ..core.query import Query
from ..core.values import Passage
from ..core.vectors import Vector
from ..encoders.protocols import EncodedQuery, Encoder
from ..rerank.blend import Weights
from ..rerank.protocols import Scorer, Scores


def build_plugin(group: PluginGroup, name: str, argument: Any) -> tuple[Any, str]:
    """Return the object that a plug-in makes of its argument, and the name of the package.

    Raises:
        InvalidInput: The plug-in cannot be imported or called, or refuses the argument.
    """
    plugin = load_plugin(group, name)
    try:
        return plugin.value(argument), plugin.package
    except ResiftError:
        raise
    except Exception as error:  # a plug-in may raise anything
        raise InvalidInput(unusable(name, plugin.package, f"{type(error).__name__}: {error}")) from error


class PluginEncoder:
    """An encoder of another package."""

    def __init__(self, encoder: Encoder, package: str) -> None:
        self._encoder = encoder
        self._package = package
        self.fingerprint = encoder.fingerprint
        self.dimension = encoder.dimension

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        """Return the texts' vectors in order, and how many texts were longer than the model's window.

        Raises:
            ModelError: The plug-in failed, or returned more or fewer vectors than there are texts.
        """
        try:
            vectors, truncated = await self._encoder.encode(texts)
        except Exception as error:
            raise _failure(self.fingerprint, self._package, error) from error
        if len(vectors) != len(texts):
            raise ModelError(
                f"{self.fingerprint} of {self._package} returned {len(vectors)} vectors for {len(texts)} texts."
            )
        return vectors, truncated

    async def encode_query(self, query: str) -> EncodedQuery:
        """Return the query's vector.

        Raises:
            ModelError: The plug-in failed.
        """
        try:
            return await self._encoder.encode_query(query)
        except Exception as error:
            raise _failure(self.fingerprint, self._package, error) from error

    async def close(self) -> None:
        """Close what the plug-in holds, if it has a `close` method."""
        await _close(self._encoder)


class PluginReranker:
    """A reranker of another package, with the weights of its row in RESIFT_RERANKERS."""

    def __init__(self, reranker: Scorer, package: str, *, weights: Weights) -> None:
        self._reranker = reranker
        self._package = package
        self.name = reranker.name
        self.fingerprint = reranker.fingerprint
        self.weights = weights
        self.takes_instructions = bool(getattr(reranker, "takes_instructions", False))

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return the passages' scores.

        Raises:
            ModelError: The plug-in failed, or did not return one number per passage.
        """
        try:
            return (await self._reranker.score(query, passages)).check(self, len(passages))
        except Exception as error:
            raise _failure(self.name, self._package, error) from error

    def relevance(self, score: float) -> float:
        """Return the probability, in 0..1, that a passage with this score answers its query."""
        return self._reranker.relevance(score)

    async def close(self) -> None:
        """Close what the plug-in holds, if it has a `close` method."""
        await _close(self._reranker)


async def _close(plugin: object) -> None:
    if (close := getattr(plugin, "close", None)) is not None:
        await close()


def _failure(name: str, package: str, error: Exception) -> ModelError:
    if isinstance(error, ModelError):
        return error
    return ModelError(f"{name} of {package} failed: {type(error).__name__}: {error}. Update or uninstall that package.")
