"""Open ONNX models for ONNX Runtime; a session runs one text at a time and may be used from several threads."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import ModelError
from .devices import CPU, Device, import_runtime, onnx_providers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# The exact int8 kernel takes twice as long on every processor (46 ms instead of 23), so this model finds out first
# whether it is needed: "MatMulInteger" of `a`, uint8 [1, 4], and a constant int8 [4, 1] of 127s into `c`, int32 [1, 1].
# ONNX, opset 20.
PROBE = (
    b'\x08\t\x12\x06resift:a\n\x1d\n\x01a\n\x01b\x12\x01c\x1a\x01c"\rMatMulInteger:\x00\x12\x05probe*\x0f\x08\x04\x08\x01'
    b"\x10\x03B\x01bJ\x04\x7f\x7f\x7f\x7fZ\x13\n\x01a\x12\x0e\n\x0c\x08\x02\x12\x08\n\x02\x08\x01\n\x02\x08\x04b\x13\n\x01c"
    b"\x12\x0e\n\x0c\x08\x06\x12\x08\n\x02\x08\x01\n\x02\x08\x01B\x04\n\x00\x10\x14B\x11\n\rcom.microsoft\x10\x01"
)

UPGRADE = "Upgrade it: pip install -U onnxruntime"

OPENING = "Download the whole folder of the model again. If that does not help, upgrade it: pip install -U onnxruntime"


class Session(Protocol):
    """The part of onnxruntime.InferenceSession that we use. `run` releases the GIL and is thread-safe."""

    @property
    def inputs(self) -> Sequence[str]:
        """Return the names of the graph's inputs."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Return the names of the graph's outputs."""
        ...

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[np.float32]]:
        """Return the values of the named outputs, in the order of the names."""
        ...


def open_session(model: Path | bytes, device: Device = "auto", *, fits_int16: bool = False) -> Session:
    """Return a session for a model, given as a file or as bytes; each call of the session runs in one thread.

    Running several calls at once uses the cores better than splitting each operator between them. On processors that
    overflow in int8 sums, an exact kernel is used, which takes a fifth longer for whole models. `fits_int16` says that
    the model's weights are too small to overflow, as those that training.graph writes are.

    Raises:
        ModelError: The model is damaged, or ONNX Runtime cannot use the device.
    """
    return _open(model, onnx_providers(device), exact=fits_int16 or int8_is_exact())


@cache
def int8_is_exact() -> bool:
    """Return whether int8 sums are exact here: without VNNI, x86 adds pairs of products in 16 bits, which overflow."""
    import numpy as np

    inputs = {"a": np.full((1, 4), 255, np.uint8)}
    return int(_open(PROBE, [CPU], exact=True).run(["c"], inputs)[0].item()) == 4 * 255 * 127


def _open(model: Path | bytes, providers: Sequence[str], *, exact: bool) -> Session:
    runtime = import_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = (
        False  # it would keep a plan for every text length, at no gain in speed (22.0, 22.7 ms)
    )
    options.log_severity_level = 3  # errors only: warnings would appear on the user's terminal
    if not exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    source = str(model) if isinstance(model, Path) else model
    with _runtime_errors(f"open {model if isinstance(model, Path) else 'the model'}", OPENING):
        session = runtime.InferenceSession(source, options, providers=providers)
    if session.get_providers()[0] != providers[0]:  # ONNX Runtime falls back to the processor silently
        raise ModelError(
            f"ONNX Runtime could not load {providers[0]}: its libraries are missing. Install them, or choose cpu."
        )
    return _OnnxSession(session)


class _OnnxSession:
    """A session that raises our errors."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs = tuple(str(each.name) for each in session.get_inputs())
        self.outputs = tuple(str(each.name) for each in session.get_outputs())

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[np.float32]]:
        """Return the values of the named outputs, in the order of the names.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        with _runtime_errors("run the model", UPGRADE):
            return self._session.run(output_names, input_feed)


@contextmanager
def _runtime_errors(task: str, step: str) -> Generator[None]:
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime."):  # its errors have no common base class but Exception
            raise
        raise ModelError(f"ONNX Runtime could not {task}: {error}. {step}") from error
