"""Choose the device a model runs on, and load models of sentence-transformers.

Devices are checked first: the libraries fall back to the processor silently, or fail with unclear messages.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from ..core.errors import ModelError, ResiftError
from ..core.extras import require_extra

Device: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]
"""`auto` is the best available one for torch, and the processor for ONNX models, which are quantised for it."""

HUB_NAME_PARTS = 2  # organisation/model

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def torch_device(device: Device) -> str | None:
    """Return the device for torch; None lets torch choose.

    Raises:
        ModelError: This machine has no such device, or torch was built without support for it.
    """
    import torch  # pyright: ignore

    library = cast(Any, torch)
    has = {"cpu": True, "cuda": library.cuda.is_available(), "mps": library.backends.mps.is_available()}
    if device != "auto" and not has[device]:
        usable = ", ".join(name for name, usable in has.items() if usable)
        raise ModelError(
            f"torch {library.__version__} cannot use the device {device!r} here. Choose one of: {usable}, auto."
        )
    return None if device == "auto" else device


def import_runtime() -> Any:
    """Return the module of ONNX Runtime. Models are opened in several threads at once."""
    # First: ONNX Runtime imports an inner module of NumPy, which fails, in both threads, while another imports NumPy.
    import_module("numpy")
    return import_module("onnxruntime")


def onnx_providers(device: Device) -> list[str]:
    """Return ONNX Runtime's execution providers for a device, in order of preference.

    Raises:
        ModelError: ONNX Runtime cannot use the device.
    """
    runtime = import_runtime()
    if device in {"auto", "cpu"}:
        return [CPU]
    if device == "mps":
        raise ModelError("ONNX models do not run on the device 'mps'. Choose cpu, or a model with torch weights.")
    if CUDA not in runtime.get_available_providers():
        raise ModelError(
            "ONNX Runtime cannot use the device 'cuda'. Install onnxruntime-gpu in place of onnxruntime, or choose cpu."
        )
    return [CUDA, CPU]


def looks_like_a_path(reference: str) -> bool:
    """Return whether the name of a model can only be meant as a folder, and not as a name on the hub."""
    return (
        any(mark in reference for mark in "\\:")
        or reference[:1] in {"/", ".", "~"}
        or len(reference.split("/")) > HUB_NAME_PARTS
    )


def load_torch_model(kind: str, source: Path | str, load: Callable[[Any], Any]) -> Any:
    """Return the model that `load` makes with sentence-transformers; `kind` says in messages what it is.

    source: its folder, or a name on the hub.

    Raises:
        MissingExtra: The extra `torch` is not installed.
        ModelError: The model cannot be loaded.
    """
    # A relative path to a folder that is elsewhere reads like a name on the hub.
    place = "" if isinstance(source, Path) else f", which is not a folder in {Path.cwd()},"
    model = f"The {kind} {str(source)!r}{place}"
    require_extra("torch", model)
    import sentence_transformers  # pyright: ignore

    try:
        return load(cast(Any, sentence_transformers))
    except ResiftError:
        raise
    except Exception as error:  # torch, transformers, the hub and safetensors raise exceptions without a common class
        step = "Correct the name, or give a whole path." if place else "Download the whole folder of the model again."
        problem = str(error).rstrip(". \n")
        raise ModelError(f"{model} cannot be loaded: {problem}. {step}") from error
