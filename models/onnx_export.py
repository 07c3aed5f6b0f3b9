"""A model's folder as it lies on the hub: where its graph is, and how much the model reads."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError

from ..core.errors import ModelError
from .bundled import MODEL_FILE
from .pair.options import AS_IT_IS, PairOptions

CONFIG_FILE = "config.json"

EXPORTED = (MODEL_FILE, f"onnx/{MODEL_FILE}")

USUAL_POSITIONS = 512  # of a model that does not say: BERT's

Described = TypeVar("Described", bound=BaseModel)

_OFFSET = ("roberta", "camembert", "xlm-roberta", "xmod", "mpnet")  # positions count from the padding's, plus one


def window_of(folder: Path, options: PairOptions = AS_IT_IS) -> int:
    """Return how many tokens are read of what the model can: 512 at most, or as many as the options say.

    Raises:
        ModelError: The folder has no description of a model, or the model cannot read as many.
    """
    config = read_description(needed(folder / CONFIG_FILE), _Config)
    positions = config.max_position_embeddings - (2 if config.model_type in _OFFSET else 0)
    tokenizer = folder / "tokenizer_config.json"
    longest = read_description(tokenizer, _TokenizerConfig).model_max_length if tokenizer.is_file() else None
    return options.window_of(folder.name, int(min(positions, longest or positions)))


def needed(path: Path) -> Path:
    """Return the path of a file that is there.

    Raises:
        ModelError: It is not.
    """
    if not path.is_file():
        raise ModelError(f"The file {path} is missing. Download the whole folder of the model again.")
    return path


def read_description(path: Path, kind: type[Described]) -> Described:
    """Return what a JSON file says of a model.

    Raises:
        ModelError: It says something else.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise ModelError(f"{path} does not describe a model: {place}: {first['msg']}. Download it again.") from error


class _Config(BaseModel):
    model_type: str = ""
    max_position_embeddings: Annotated[int, Field(ge=16)] = USUAL_POSITIONS


class _TokenizerConfig(BaseModel):
    model_max_length: Annotated[float, Field(ge=16)] | None = None  # 10**30 where nobody set a limit
