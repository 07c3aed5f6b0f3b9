"""How a cross-encoder is to be run, where that is not left to the model."""

from dataclasses import dataclass

from ...core.errors import ModelError
from ..devices import Device
from ..input_format import PLAIN, InputFormat

LARGEST_WINDOW = 512  # longer ones cost with the square of their length, and passages are a fraction of that


@dataclass(frozen=True, slots=True)
class PairOptions:
    """What the settings say of a model."""

    form: InputFormat = PLAIN
    window: int = 0
    """Tokens of a pair that are read at most; 0 is what the model can, but no more than is usual."""
    device: Device = "auto"

    @property
    def digest(self) -> str:
        """Return what tells scores by these options from others of the same model; nothing where they are its own."""
        return " ".join(part for part in (self.form.digest, f"window={self.window}" if self.window else "") if part)

    def window_of(self, name: str, limit: int, *, usual: int = LARGEST_WINDOW) -> int:
        """Return how many tokens are read by a model that can read `limit`.

        Raises:
            ModelError: It cannot read as many as it is told to.
        """
        if self.window > limit:
            raise ModelError(
                f"The reranker {name!r} reads at most {limit} tokens; lower its `window` of {self.window}."
            )
        return self.window or min(limit, usual)


AS_IT_IS = PairOptions()
