"""Resift's own reranker format: a folder with model.onnx, tokenizer.json, README.md, and reranker.json about them.

`model.onnx` reads `input_ids` and `token_type_ids`, int64 [1, tokens] (types 0 for "[CLS] query [SEP]", 1 for
"passage [SEP]"), and gives `score`, float32 [1].
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...core.errors import ModelError
from ...core.values import Logistic
from ..bundled import MODEL_FILE, TOKENIZER_FILE, check_files

SPEC_FILE = "reranker.json"

AGAIN = "Copy its folder again, or make it anew with `resift train`."

Signal = Literal["fused", "rerank", "dense", "bm25"]

Finite = Annotated[float, Field(allow_inf_nan=False)]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Calibration(BaseModel):
    """From raw scores to the probability of relevance."""

    model_config = ConfigDict(frozen=True)

    slope: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    intercept: Finite

    @property
    def logistic(self) -> Logistic:
        """Return it as a function."""
        return Logistic(self.slope, self.intercept)


class RerankerSpec(BaseModel):
    """What reranker.json says."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.:/@+-]+$")]
    window: Annotated[int, Field(ge=16, le=8192, description="Tokens of a pair, special ones included")]
    query_tokens: Annotated[int, Field(ge=4, description="Tokens of the query that are read")]
    calibration: Calibration
    weights: dict[Signal, Annotated[float, Field(ge=0, le=1)]]
    """Shares in the final score that it was tuned for, retrieval's own and its among them; they sum to 1."""
    sha256: dict[str, Sha256]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.query_tokens > self.window // 2:
            raise ValueError("query_tokens is more than half of window")
        if abs(sum(self.weights.values()) - 1) > 1e-6:
            raise ValueError(f"weights sum to {sum(self.weights.values()):g}, not to 1")
        if missing := {"fused", "rerank"} - self.weights.keys():
            raise ValueError(f"weights lack {', '.join(sorted(missing))}")
        if missing := {MODEL_FILE, TOKENIZER_FILE} - self.sha256.keys():
            raise ValueError(f"sha256 lacks {', '.join(sorted(missing))}")
        if any("/" in name or "\\" in name for name in self.sha256):
            raise ValueError("sha256 names a file outside the folder")
        return self


def read_spec(folder: Path) -> RerankerSpec:
    """Return what a folder's reranker.json says.

    Raises:
        ModelError: it is missing, or says something that cannot be.
    """
    path = folder / SPEC_FILE
    try:
        return RerankerSpec.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. {AGAIN}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path} describes no reranker: {place or 'it'}: {first['msg']}. {AGAIN}") from error


def verify_reranker(folder: Path) -> RerankerSpec:
    """Return what reranker.json says once every file that it names has been read and has the sum it must have.

    Raises:
        ModelError: a file is missing or damaged.
    """
    spec = read_spec(folder)
    check_files(folder, spec.sha256, name=spec.name, remedy=AGAIN)
    return spec
