"""Run a cross-encoder with sentence-transformers: from torch weights in a folder, or by its name on the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from ...core.errors import ModelError
from ..devices import load_torch_model, torch_device
from ..input_format import PLAIN
from .options import AS_IT_IS, LARGEST_WINDOW, PairOptions
from .scorer import PairScore, PairTokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TorchPairScorer:
    """A sentence-transformers CrossEncoder; one call at a time, for torch takes all cores by itself."""

    batch = 16  # a GPU is idle below; on a processor padding costs more than a larger batch saves

    def __init__(self, model: Any, tokenizer: PairTokenizer) -> None:
        self.tokenizer = tokenizer
        self._model = model
        self._lock = Lock()

    @classmethod
    def open(cls, source: Path | str, options: PairOptions = AS_IT_IS) -> Self:
        """Load a folder, without asking the hub, or a model of the hub, which is downloaded unless it is cached.

        Raises:
            ModelError: sentence-transformers is not installed, the model cannot be loaded or is no reranker, or there
                is no such device.
        """
        local = isinstance(source, Path)
        model = load_torch_model(
            f"The reranker {str(source)!r}",
            lambda library: library.CrossEncoder(
                str(source), local_files_only=local, device=torch_device(options.device)
            ),
        )
        _check(model, str(source))
        if options.form != PLAIN:
            _read_as_texts(model)
        window = options.window_of(str(source), int(model.max_seq_length or LARGEST_WINDOW))
        return cls(model, PairTokenizer(_tokenizer(model, str(source)), window=window, form=options.form))

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        """Return the logit of each passage.

        Raises:
            ModelError: torch could not run the model.
        """
        cuts = [self.tokenizer.fit_passage(query, passage) for passage in passages]
        pairs = [(query, piece) for each in cuts for piece in each.pieces]
        logits = iter(self._predict(pairs))
        return [PairScore(max(next(logits) for _ in each.pieces), each.whole) for each in cuts]

    def _predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        from torch.nn import Identity  # pyright: ignore

        try:
            with self._lock:
                # Identity: logits, for the sigmoid of most models makes all good passages 1.0 in float32.
                scores = self._model.predict(
                    pairs,
                    batch_size=self.batch,
                    show_progress_bar=False,
                    activation_fn=cast(Any, Identity()),
                )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"torch could not run the reranker: {error}") from error
        return [float(score) for score in scores]


def _read_as_texts(model: Any) -> None:
    """Put no chat template of the model's own around the form of the settings."""
    transformer = model[0]
    if "message" in getattr(transformer, "modality_config", {}):
        del transformer.modality_config["message"]
        transformer.input_formatter.supported_modalities = list(transformer.modality_config)


def _check(model: Any, source: str) -> None:
    if model.num_labels != 1:
        raise ModelError(
            f"The model {source!r} has {model.num_labels} labels; a reranker has one. Choose a cross-encoder with one."
        )
    architecture = next(iter(getattr(model.config, "architectures", None) or ()), "")
    if len(model) == 1 and architecture.endswith("Model"):
        # transformers would give it a head of random numbers, and say so only in its log.
        raise ModelError(f"The model {source!r} is an encoder ({architecture}) without a head that scores pairs.")


def _tokenizer(model: Any, source: str) -> Tokenizer:
    from tokenizers import Tokenizer

    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ModelError(f"The model {source!r} has no tokenizer.json. Choose one that has.")
    return Tokenizer.from_str(backend.to_str())  # a copy, for transformers changes the settings of its own
