"""Read an ONNX export in the hub's layout: its graph, its tokenizer and how many tokens the model reads."""

from __future__ import annotations

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


def graph_path(folder: Path) -> Path:
    """Return the graph file in a folder, or where it should be if there is none."""
    return next((folder / name for name in GRAPH_FILES if (folder / name).is_file()), folder / MODEL_FILE)


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
