"""The encoder of the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InvalidInput
from ..models.bundled import TOKENIZER_FILE
from ..models.deferred import Deferred
from ..models.embeddings import Embeddings
from ..models.fastembed_texts import FastembedTexts
from ..models.fingerprint import sampled_digest
from ..models.onnx_texts import POOLING_FILE, OnnxTexts, graph_in
from ..models.openai_endpoint import Endpoint
from ..models.text_model import TextModel
from ..models.torch_texts import TorchTexts
from ..models.workers import Workers
from ..search.encode import BundledEncoder, Encoder
from ..search.other_encoders import LocalEncoder, Prefixes, RemoteEncoder
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What encoders are built with."""

    settings: Settings
    workers: Workers
    bundled: BundledEncoder

    @property
    def prefixes(self) -> Prefixes:
        """Return what is put before queries and passages."""
        chosen = self.settings.encoder
        return Prefixes(chosen.query_prefix, chosen.passage_prefix)

    def local(self, fingerprint: str, load: Callable[[], TextModel]) -> Encoder:
        """Return the encoder of a model that runs here."""
        return LocalEncoder(fingerprint, Deferred(load), self.workers, self.prefixes)


def _bundled(parts: Parts) -> Encoder:
    return parts.bundled


def _onnx(parts: Parts) -> Encoder:
    chosen = parts.settings.encoder
    folder = Path(chosen.model).expanduser().absolute()
    pooling = None if chosen.pooling == "auto" else chosen.pooling
    digest = sampled_digest([graph_in(folder), folder / TOKENIZER_FILE, folder / POOLING_FILE])
    pooled = f" pooling={pooling}" if pooling else ""
    return parts.local(f"{folder.name}@{digest}{pooled}", lambda: OnnxTexts.open(folder, pooling))


def _fastembed(parts: Parts) -> Encoder:
    name, _, folder = parts.settings.encoder.model.partition("=")
    return parts.local(f"fastembed:{name.lower()}", lambda: FastembedTexts.open(name, folder))


def _torch(parts: Parts) -> Encoder:
    model = parts.settings.encoder.model
    folder = Path(model).expanduser().absolute()
    if not folder.is_dir():
        return parts.local(f"torch:{model}", lambda: TorchTexts.open(model))
    # Of every module and its options: pooling alone changes all vectors.
    files = [path for kind in ("safetensors", "bin", "json") for path in sorted(folder.rglob(f"*.{kind}"))]
    return parts.local(f"{folder.name}@{sampled_digest(files)}", lambda: TorchTexts.open(folder))


def _openai(parts: Parts) -> Encoder:
    settings, chosen = parts.settings, parts.settings.encoder
    key = settings.openai_api_key.get_secret_value()
    if not (key or settings.openai_base_url):
        raise InvalidInput("RESIFT_ENCODER__KIND = 'openai' needs an endpoint: set OPENAI_BASE_URL or OPENAI_API_KEY.")
    endpoint = Endpoint(chosen.model, settings.openai_base_url, key, chosen.timeout_s)
    size = f"/{chosen.dimension}" if chosen.dimension else ""
    model = Embeddings(endpoint, batch=chosen.batch, dimension=chosen.dimension)
    return RemoteEncoder(f"openai:{chosen.model}{size}", model, parts.prefixes)


BUILDERS: dict[str, Callable[[Parts], Encoder]] = {
    "bundled": _bundled,
    "onnx": _onnx,
    "fastembed": _fastembed,
    "torch": _torch,
    "openai": _openai,
}
"""By RESIFT_ENCODER__KIND, what builds the encoder; a model is loaded, and its library imported, when first used."""


def build_encoder(parts: Parts) -> Encoder:
    """Return the encoder that the settings name; nothing but a sample of a model's files is read.

    Raises:
        InvalidInput: The settings name no endpoint for a model that is behind one.
    """
    return BUILDERS[parts.settings.encoder.kind](parts)
