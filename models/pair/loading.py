"""Find the cross-encoder that a setting names: a folder in one of three formats, or a name that a library knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...core.errors import MissingExtra, ModelError, has_extra, install_line
from ...core.values import Logistic
from ..bundled import DIGEST_CHARACTERS, MODEL_FILE, TOKENIZER_FILE, sampled_digest
from ..onnx_export import EXPORTED, needed, window_of
from ..session import open_session
from .onnx import OnnxPairScorer
from .options import AS_IT_IS, PairOptions
from .scorer import PairScorer, PairTokenizer
from .spec import SPEC_FILE, read_spec, verify_reranker
from .torch import TorchPairScorer

PLAIN = Logistic(1.0, 0.0)  # a model trained with binary cross-entropy means exactly this by its logit

FOREIGN_WEIGHTS = {
    "fused": 0.5,
    "rerank": 0.5,
}  # until `resift tune` has measured it, neither side can undo the other alone

NAME_PARTS = 2  # of a name on the hub: organisation/model


@dataclass(frozen=True, slots=True)
class CrossEncoderModel:
    """A cross-encoder that was found: its name, what its scores mean, and how it is loaded."""

    name: str
    open: Callable[[], PairScorer]
    """Load it, which takes 0.2 s to minutes. Raises ModelError."""
    origin: str
    """Where it lies and what runs it, for people."""
    calibration: Logistic = PLAIN
    weights: Mapping[str, float] = field(default_factory=lambda: FOREIGN_WEIGHTS)
    """Shares in the final score, by signal."""
    digest: str = ""
    """Of its files; empty for a model that is only a name here."""


def find_cross_encoder(reference: str, *, options: PairOptions = AS_IT_IS) -> CrossEncoderModel:
    """Return the model that `reference`, a path or a name, means; nothing but a reranker.json, or a sample of a
    model's bytes, is read.

    What is wrong with a folder is told by `open`, for a broken reranker must not keep the server from starting.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return _in_folder(folder.absolute(), options)
    if _looks_like_a_path(reference):
        return _unusable(
            folder.name, folder, f"No folder {folder}. Give one that exists, or a name on the hub or in fastembed."
        )
    return CrossEncoderModel(reference, partial(_open_named, reference, options), f"{reference}, by name")


def _looks_like_a_path(reference: str) -> bool:
    return (
        any(mark in reference for mark in "\\:")
        or reference[:1] in {"/", ".", "~"}
        or len(reference.split("/")) > NAME_PARTS
    )


def _in_folder(folder: Path, options: PairOptions) -> CrossEncoderModel:
    if (folder / SPEC_FILE).is_file():
        try:
            spec = read_spec(folder)
        except ModelError as error:
            return _unusable(folder.name, folder, str(error))
        return CrossEncoderModel(
            spec.name,
            partial(_open_own, folder, options),
            origin=f"{folder}, Resift's format",
            calibration=spec.calibration.logistic,
            weights=dict[str, float](spec.weights.items()),
            digest=spec.sha256[MODEL_FILE][:DIGEST_CHARACTERS],
        )
    if graph := next((folder / name for name in EXPORTED if (folder / name).is_file()), None):
        digest = sampled_digest([graph, folder / TOKENIZER_FILE])
        return CrossEncoderModel(
            folder.name, partial(open_exported, folder, graph, options), f"{graph}, ONNX", digest=digest
        )
    if weights := sorted(folder.glob("*.safetensors")):
        digest = sampled_digest([*weights, folder / TOKENIZER_FILE])
        opened = partial(TorchPairScorer.open, folder, options)
        return CrossEncoderModel(folder.name, opened, f"{folder}, torch", digest=digest)
    found = f"{SPEC_FILE}, {', '.join(EXPORTED)} or *.safetensors"
    return _unusable(folder.name, folder, f"The folder {folder} holds no reranker: it has none of {found}.")


def _unusable(name: str, folder: Path, message: str) -> CrossEncoderModel:
    def fail() -> PairScorer:
        raise ModelError(message)

    return CrossEncoderModel(name, fail, str(folder))


def _open_own(folder: Path, options: PairOptions) -> PairScorer:
    spec = verify_reranker(folder)
    window = options.window_of(spec.name, spec.window, usual=spec.window)
    path = folder / TOKENIZER_FILE
    tokenizer = PairTokenizer.open(path, window=window, query_tokens=spec.query_tokens, form=options.form)
    if not tokenizer.join("a", "b").types.any():
        raise ModelError(f"{path} does not tell passage from query: its pairs have one type.")
    return OnnxPairScorer.checked(open_session(folder / MODEL_FILE, options.device), tokenizer)


def open_exported(folder: Path, graph: Path, options: PairOptions) -> PairScorer:
    """Load a cross-encoder as it lies on the hub: config.json, tokenizer.json and a graph.

    Raises:
        ModelError: a file is missing or damaged, the graph is no reranker, or the options do not fit.
    """
    window = window_of(folder, options)
    tokenizer = PairTokenizer.open(needed(folder / TOKENIZER_FILE), window=window, form=options.form)
    return OnnxPairScorer.checked(open_session(graph, options.device), tokenizer)


def _open_named(name: str, options: PairOptions) -> PairScorer:
    """Load a model by name: fetched by fastembed if it lists the name, otherwise by sentence-transformers."""
    if has_extra("fastembed"):
        if folder_and_file := _fetch_listed(name):
            folder, file = folder_and_file
            return open_exported(folder, folder / file, options)
    elif not has_extra("torch"):
        raise MissingExtra(
            f"The reranker {name!r} is not a folder, and to load it by name Resift needs fastembed (for the models it "
            f"lists) or sentence-transformers: {install_line('fastembed')}, or {install_line('torch')}"
        )
    return TorchPairScorer.open(name, options)


def _fetch_listed(name: str) -> tuple[Path, str] | None:
    """Return the folder and the graph file of a model that fastembed lists, downloaded if need be; None if unlisted."""
    from fastembed.common.utils import define_cache_dir
    from fastembed.rerank.cross_encoder.onnx_text_cross_encoder import OnnxTextCrossEncoder, supported_onnx_models

    listed = next((each for each in supported_onnx_models if each.model.lower() == name.lower()), None)
    if listed is None:
        return None
    try:
        # Our own session runs it: one pair at a time, with long passages cut into windows.
        return OnnxTextCrossEncoder.download_model(listed, str(define_cache_dir())), listed.model_file
    except (OSError, ValueError) as error:
        raise ModelError(f"fastembed could not download the reranker {name!r}: {error}") from error
