"""Where a model runs. Checked before it is loaded: libraries take the processor without a word, or fail in riddles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

from ..core.errors import ModelError

Device: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]
"""`auto` is the best one for torch, and the processor for ONNX, whose models here are made for it."""

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def torch_device(device: Device) -> str | None:
    """Return the name of a device that torch has; None lets it choose.

    Raises:
        ModelError: It has no such device.
    """
    import torch  # pyright: ignore

    library = cast(Any, torch)
    has = {"cpu": True, "cuda": library.cuda.is_available(), "mps": library.backends.mps.is_available()}
    if device != "auto" and not has[device]:
        usable = ", ".join(name for name, usable in has.items() if usable)
        raise ModelError(f"torch {library.__version__} has no device {device!r} here. Usable: {usable}, auto.")
    return None if device == "auto" else device


def onnx_providers(device: Device) -> list[str]:
    """Return what ONNX Runtime runs a model on.

    Raises:
        ModelError: It has no such device.
    """
    import onnxruntime

    if device in {"auto", "cpu"}:
        return [CPU]
    if device == "mps":
        raise ModelError("ONNX models do not run on 'mps'. Choose cpu, or a model with torch weights.")
    if CUDA not in cast(Any, onnxruntime).get_available_providers():
        raise ModelError(
            "ONNX Runtime has no device 'cuda' here. Install onnxruntime-gpu in place of onnxruntime, or choose cpu."
        )
    return [CUDA, CPU]


INSTALL = "pip install 'resift[torch]'"


def load_model(model: str, load: Callable[[Any], Any], *, why: str = "") -> Any:
    """Return what `load` makes with the library; `model` names it in messages, `why` says what asks for the library.

    Raises:
        ModelError: sentence-transformers is not installed, or the model cannot be loaded.
    """
    try:
        import sentence_transformers  # pyright: ignore
    except ModuleNotFoundError as error:
        if error.name != "sentence_transformers":
            raise
        raise ModelError(" ".join(filter(None, [model, why, f"needs sentence-transformers: {INSTALL}"]))) from error
    import safetensors  # pyright: ignore

    library, damaged = cast(Any, sentence_transformers), cast(Any, safetensors).SafetensorError
    try:
        return load(library)
    except (OSError, ValueError, RuntimeError, KeyError, damaged) as error:
        raise ModelError(f"{model} cannot be loaded: {error}") from error
