"""Resift's own reranker format: a folder with model.onnx, tokenizer.json, README.md and the description reranker.json.

`model.onnx` reads `input_ids` and `token_type_ids`, int64 [1, tokens] (types 0 for "[CLS] query [SEP]", 1 for
"passage [SEP]"), and returns `score`, float32 [1].
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...core.errors import ModelError
from ...core.values import Logistic
from ...core.verdict import VerdictModel
from ..bundled import MODEL_FILE, TOKENIZER_FILE, check_files

SPEC_FILE = "reranker.json"

REMEDY = "Copy the model's folder again, or train it again with `resift train`."

Signal = Literal["fused", "rerank", "dense", "bm25"]

Finite = Annotated[float, Field(allow_inf_nan=False)]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Calibration(BaseModel):
    """The logistic function from raw scores to the probability of relevance."""

    model_config = ConfigDict(frozen=True)

    slope: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    intercept: Finite

    @property
    def logistic(self) -> Logistic:
        """Return the calibration as a `Logistic`."""
        return Logistic(self.slope, self.intercept)


class RerankerSpec(BaseModel):
    """The contents of reranker.json."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.:/@+-]+$")]
    window: Annotated[int, Field(ge=16, le=8192, description="Tokens of a pair, special ones included")]
    query_tokens: Annotated[int, Field(ge=4, description="Tokens of the query that are read")]
    calibration: Calibration
    weights: dict[Signal, Annotated[float, Field(ge=0, le=1)]]
    """Shares of the signals in the final score, as tuned for this model; they sum to 1."""
    verdicts: tuple[VerdictModel, ...] = ()
    """What verdicts are reached with, in order of preference; without any, by relevance."""
    fits_int16: bool = False
    """Whether no int8 sum overflows in 16 bits, so that processors without VNNI can use their fastest kernel."""
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
    """Return the contents of a folder's reranker.json.

    Raises:
        ModelError: The file is missing or not valid.
    """
    path = folder / SPEC_FILE
    try:
        return RerankerSpec.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. {REMEDY}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        problem = f"{place or 'the file'}: {first['msg']}"
        raise ModelError(f"{path} does not describe a reranker: {problem}. {REMEDY}") from error


def verify_reranker(folder: Path) -> RerankerSpec:
    """Return the contents of reranker.json after comparing the checksum of every file it names.

    Raises:
        ModelError: A file is missing or damaged.
    """
    spec = read_spec(folder)
    check_files(folder, spec.sha256, name=spec.name, remedy=REMEDY)
    return spec
