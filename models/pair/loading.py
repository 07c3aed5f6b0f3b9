"""Find the cross-encoder that a setting names: a folder in one of three formats, or a name that a library knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...core.errors import MissingExtra, ModelError
from ...core.extras import has_extra, install_line
from ...core.values import Logistic
from ...core.verdict import VerdictModel
from ..bundled import DIGEST_CHARACTERS, MODEL_FILE, TOKENIZER_FILE, sampled_digest
from ..devices import looks_like_a_path
from ..onnx_export import GRAPH_FILES, graph_path, read_window, require_file, weight_files
from ..options import DEFAULT_OPTIONS, ModelOptions
from ..session import open_session
from .onnx import OnnxPairScorer
from .scorer import PairScorer, PairTokenizer
from .spec import SPEC_FILE, RerankerSpec, read_spec, verify_reranker
from .torch import TorchPairScorer

UNCALIBRATED = Logistic(1.0, 0.0)  # the meaning of a logit after training with binary cross-entropy

UNTUNED_WEIGHTS = {"fused": 0.5, "rerank": 0.5}  # neither side can overrule the other until `resift tune` measures them


@dataclass(frozen=True, slots=True)
class CrossEncoderModel:
    """A cross-encoder that was found: its name, the meaning of its scores, and how to load it."""

    name: str
    open: Callable[[], PairScorer]
    """Loads the model, which takes from 0.2 s to minutes. Raises ModelError."""
    origin: str
    """Its place and the library that runs it, for people to read."""
    calibration: Logistic = UNCALIBRATED
    weights: Mapping[str, float] = field(default_factory=lambda: UNTUNED_WEIGHTS)
    """Shares of the signals in the final score."""
    verdicts: tuple[VerdictModel, ...] = ()
    """What verdicts on its scores are reached with."""
    digest: str = ""
    """A hash of its files; empty for a model that is known only by name."""


def find_cross_encoder(reference: str, *, options: ModelOptions = DEFAULT_OPTIONS) -> CrossEncoderModel:
    """Return the model that `reference`, a path or a name, refers to.

    This reads only a reranker.json or a sample of the model's bytes. Problems with the model are reported by its
    `open`, so that a broken reranker does not keep the server from starting.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return _in_folder(folder.absolute(), options)
    if looks_like_a_path(reference):
        message = f"There is no folder {folder.absolute()}. Give one that exists, or a name on the hub or in fastembed."
        return _unusable(folder, message)
    return CrossEncoderModel(reference, partial(_open_named, reference, options), origin=f"{reference}, by name")


def _in_folder(folder: Path, options: ModelOptions) -> CrossEncoderModel:
    if (folder / SPEC_FILE).is_file():
        try:
            return _own_model(folder, read_spec(folder), options)
        except ModelError as error:
            return _unusable(folder, str(error))
    if (graph := graph_path(folder)).is_file():
        digest = sampled_digest([graph, folder / TOKENIZER_FILE, *weight_files(graph)])
        load = partial(open_exported, folder, graph, options)
        return CrossEncoderModel(folder.name, load, origin=f"{graph}, ONNX", digest=digest)
    if weights := sorted(folder.glob("*.safetensors")):
        digest = sampled_digest([*weights, folder / TOKENIZER_FILE])
        load = partial(TorchPairScorer.open, folder, options)
        return CrossEncoderModel(folder.name, load, origin=f"{folder}, torch", digest=digest)
    files = ", ".join((SPEC_FILE, *GRAPH_FILES, "*.safetensors"))
    return _unusable(folder, f"The folder {folder} does not contain a reranker, which would have one of {files}.")


def _own_model(folder: Path, spec: RerankerSpec, options: ModelOptions) -> CrossEncoderModel:
    return CrossEncoderModel(
        name=spec.name,
        open=partial(_open_own, folder, options),
        origin=f"{folder}, Resift's format",
        calibration=spec.calibration.logistic,
        weights=dict[str, float](spec.weights.items()),
        verdicts=spec.verdicts,
        digest=spec.sha256[MODEL_FILE][:DIGEST_CHARACTERS],
    )


def _unusable(folder: Path, message: str) -> CrossEncoderModel:
    def fail() -> PairScorer:
        raise ModelError(message)

    return CrossEncoderModel(folder.name, fail, origin=str(folder))


def _open_own(folder: Path, options: ModelOptions) -> PairScorer:
    spec = verify_reranker(folder)
    tokenizer = PairTokenizer.open(
        folder / TOKENIZER_FILE,
        window=options.window_for(spec.name, spec.window, usual=spec.window),
        query_tokens=spec.query_tokens,
        input_format=options.input_format,
    )
    if not tokenizer.encode_pair("a", "b").types.any():
        raise ModelError(
            f"{folder / TOKENIZER_FILE} gives query and passage the same token type, so the model cannot tell them "
            "apart. Use the tokenizer that the model was trained with."
        )
    session = open_session(folder / MODEL_FILE, options.device, fits_int16=spec.fits_int16)
    return OnnxPairScorer.checked(session, tokenizer)


def open_exported(folder: Path, graph: Path, options: ModelOptions) -> PairScorer:
    """Load a cross-encoder as the hub has it: config.json, tokenizer.json and a graph.

    Raises:
        ModelError: A file is missing or damaged, the graph is not a reranker's, or the options do not fit.
    """
    tokenizer = PairTokenizer.open(
        require_file(folder / TOKENIZER_FILE),
        window=read_window(folder, options),
        input_format=options.input_format,
    )
    return OnnxPairScorer.checked(open_session(graph, options.device), tokenizer)


def _open_named(name: str, options: ModelOptions) -> PairScorer:
    """Load a model by name: downloaded by fastembed if it lists the name, otherwise by sentence-transformers."""
    if has_extra("fastembed"):
        if found := _fetch_listed(name):
            folder, file = found
            return open_exported(folder, folder / file, options)
    elif not has_extra("torch"):
        raise MissingExtra(
            f"The reranker {name!r} is not a folder in {Path.cwd()}, and to load it by name Resift needs fastembed "
            f"(for the models it lists) or sentence-transformers: {install_line('fastembed')}, or "
            f"{install_line('torch')}"
        )
    return TorchPairScorer.open(name, options)


def _fetch_listed(name: str) -> tuple[Path, str] | None:
    """Return the folder and the graph file of a model that fastembed lists, downloading it if necessary; else None."""
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
