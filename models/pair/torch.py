"""Cross-encoders that sentence-transformers runs: torch weights in a folder, or a name on the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from ...core.errors import ModelError
from ..devices import load_torch_model, torch_device
from ..options import DEFAULT_OPTIONS, DEFAULT_WINDOW, NO_TEMPLATES, ModelOptions
from .scorer import PairScore, PairTokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TorchPairScorer:
    """A sentence-transformers CrossEncoder. Calls run one after another, since torch uses all cores by itself."""

    batch = 16  # fewer leave a GPU idle; on a processor, padding in larger batches costs more than they save

    def __init__(self, model: Any, tokenizer: PairTokenizer) -> None:
        self.tokenizer = tokenizer
        self._model = model
        self._lock = Lock()

    @classmethod
    def open(cls, source: Path | str, options: ModelOptions = DEFAULT_OPTIONS) -> Self:
        """Load a folder, without contacting the hub, or a model of the hub by name, downloading it if necessary.

        Raises:
            ModelError: The model cannot be loaded or is not a reranker, the device cannot be used, or the extra `torch`
                is not installed.
        """
        local = isinstance(source, Path)
        model = load_torch_model(
            "reranker",
            source,
            lambda library: library.CrossEncoder(
                str(source), local_files_only=local, device=torch_device(options.device)
            ),
        )
        _check(model, str(source))
        if options.input_format != NO_TEMPLATES:
            _disable_chat_template(model)
        window = options.window_for(str(source), int(model.max_seq_length or DEFAULT_WINDOW))
        tokenizer = PairTokenizer(_tokenizer(model, str(source)), window=window, input_format=options.input_format)
        return cls(model, tokenizer)

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        """Return the logit of each passage.

        Raises:
            ModelError: torch could not run the model.
        """
        texts = [self.tokenizer.fit_passage(query, passage) for passage in passages]
        pairs = [(query, piece) for text in texts for piece in text.pieces]
        logits = iter(self._predict(pairs))
        return [PairScore(max(next(logits) for _ in text.pieces), text.complete) for text in texts]

    def _predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        from torch.nn import Identity  # pyright: ignore

        try:
            with self._lock:
                # Identity, for logits: most models end in a sigmoid, which makes all good passages 1.0 in float32.
                scores = self._model.predict(
                    pairs,
                    batch_size=self.batch,
                    show_progress_bar=False,
                    activation_fn=cast(Any, Identity()),
                )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"torch could not run the reranker: {error}") from error
        return [float(score) for score in scores]


def _disable_chat_template(model: Any) -> None:
    """Keep the model's own chat template from being put around the templates of the settings."""
    transformer = model[0]
    if "message" in getattr(transformer, "modality_config", {}):
        del transformer.modality_config["message"]
        transformer.input_formatter.supported_modalities = list(transformer.modality_config)


def _check(model: Any, source: str) -> None:
    if model.num_labels != 1:
        raise ModelError(
            f"The model {source!r} has {model.num_labels} labels; a reranker has one. Choose another cross-encoder."
        )
    architecture = next(iter(getattr(model.config, "architectures", None) or ()), "")
    if len(model) == 1 and architecture.endswith("Model"):
        # transformers would add a head with random weights and mention it only in its log.
        raise ModelError(
            f"The model {source!r} is an encoder ({architecture}) without a head that scores pairs. "
            "Choose a cross-encoder."
        )


def _tokenizer(model: Any, source: str) -> Tokenizer:
    from tokenizers import Tokenizer

    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ModelError(f"The model {source!r} has no tokenizer.json. Choose a model that has one.")
    return Tokenizer.from_str(backend.to_str())  # a copy, since transformers changes the settings of its own
