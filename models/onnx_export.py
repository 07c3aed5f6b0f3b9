"""Read an ONNX export in the hub's layout: its graph, its tokenizer and how many tokens the model reads."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError

from ..core.errors import ModelError
from .bundled import MODEL_FILE
from .options import DEFAULT_OPTIONS, ModelOptions

if TYPE_CHECKING:
    from tokenizers import Tokenizer


CONFIG_FILE = "config.json"

GRAPH_FILES = (MODEL_FILE, f"onnx/{MODEL_FILE}")

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""The inputs of a graph that we can fill."""

DEFAULT_POSITIONS = 512  # BERT's; for a config.json that does not give the number

Schema = TypeVar("Schema", bound=BaseModel)

# Model types whose position numbers begin after the padding token's, so that two positions are never used.
_OFFSET_POSITIONS = ("roberta", "camembert", "xlm-roberta", "xmod", "mpnet")

# How a graph names a file that holds its weights: the entry "location" of a tensor's external_data (onnx.proto), whose
# value is preceded by its length, a varint of one or two bytes here.
_LOCATION = re.compile(rb"\n\x08location\x12(?:([\x01-\x7f])|([\x80-\xff])([\x01-\x7f]))")

_NO_WEIGHTS = {".onnx", ".json", ".md", ".txt"}
"""The suffixes of files that are in most folders of models and do not hold the weights of a graph."""


def graph_path(folder: Path) -> Path:
    """Return the graph file in a folder, or where it should be if there is none."""
    return next((folder / name for name in GRAPH_FILES if (folder / name).is_file()), folder / MODEL_FILE)


def weight_files(graph: Path) -> list[Path]:
    """Return the files beside a graph that hold its weights; none if the graph holds them itself.

    Every export of more than 2 GB has such files.
    """
    if not graph.is_file() or not graph.stat().st_size:
        return []
    if all(each.suffix in _NO_WEIGHTS for each in graph.parent.iterdir()):
        return []  # the whole graph is not read for nothing: 0.15 s for 400 MB in the page cache
    with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = {_location(content, each) for each in _LOCATION.finditer(content)}
    return [path for path in (graph.parent / name for name in sorted(names)) if path.is_file()]


def _location(content: mmap.mmap, found: re.Match[bytes]) -> str:
    short, low, high = found.groups()
    length = ord(short) if short else (ord(low) & 0x7F) + (ord(high) << 7)
    return content[found.end() : found.end() + length].decode(errors="replace")


def read_window(folder: Path, options: ModelOptions = DEFAULT_OPTIONS) -> int:
    """Return how many tokens to read: what the options say, or else what the model can read, but 512 at the most.

    Raises:
        ModelError: config.json is missing or damaged, or the model cannot read as many tokens as the options say.
    """
    config = read_json(require_file(folder / CONFIG_FILE), _Config)
    positions = config.max_position_embeddings - (2 if config.model_type in _OFFSET_POSITIONS else 0)
    tokenizer = folder / "tokenizer_config.json"
    longest = read_json(tokenizer, _TokenizerConfig).model_max_length if tokenizer.is_file() else None
    return options.window_for(folder.name, int(min(positions, longest or positions)))


def open_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer in a tokenizer.json, set to neither truncate nor pad.

    Raises:
        ModelError: The file cannot be read.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"The tokenizer {path} cannot be read: {error}. Download the model's files again.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def require_file(path: Path) -> Path:
    """Return the path if a file is there.

    Raises:
        ModelError: There is no such file.
    """
    if not path.is_file():
        raise ModelError(f"The file {path} is missing. Download the whole folder of the model again.")
    return path


def read_json(path: Path, schema: type[Schema]) -> Schema:
    """Return a JSON file of the model as a value of `schema`.

    Raises:
        ModelError: The file does not fit the schema.
    """
    try:
        return schema.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"{path} does not describe a model: {place}: {first['msg']}. Download it again.") from error


class _Config(BaseModel):
    model_type: str = ""
    max_position_embeddings: Annotated[int, Field(ge=16)] = DEFAULT_POSITIONS


class _TokenizerConfig(BaseModel):
    model_max_length: Annotated[float, Field(ge=16)] | None = None  # 10**30 if nobody set a limit
