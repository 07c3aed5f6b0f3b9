"""Recognising text in pictures (OCR) by RapidOCR, with the models that its wheel brings."""

import logging
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from ....core.errors import Hint, UnreadableFile
from ....core.extras import has_extra, install_line
from ...layout.segments import Segment

SECONDS_PER_PICTURE = 60.0

MAX_PIXELS = 100_000_000  # a page of A3 in 600 dpi has 70 million

_DPI = 200  # at which pictures are taken to be scanned, and pages are drawn

_MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}

_LOCK = Lock()


def can_recognise() -> bool:
    """Return whether the extra is installed."""
    return has_extra("ocr")


def needs_recognition(what: str) -> UnreadableFile:
    """Return the error for a file of pictures where the extra is not installed; `what` says what the file is."""
    return UnreadableFile(
        f"{what} Reading text in pictures needs the extra 'ocr'.", hint=Hint.INSTALL, command=install_line("ocr")
    )


def pixels_per_point() -> float:
    """Return the scale in which pages are drawn to be recognised."""
    return _DPI / 72


def check_size(picture: Any) -> None:
    """Refuse a picture that would take too much memory.

    Raises:
        UnreadableFile: It has too many pixels.
    """
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadableFile(f"It has {width:,} x {height:,} pixels; the limit is {MAX_PIXELS:,}. Scale it down.")


def recognised(picture: Any) -> list[Segment]:
    """Return the lines of text in a picture (`PIL.Image.Image`), in points.

    Raises:
        UnreadableFile: It has too many pixels.
    """
    import numpy as np

    check_size(picture)
    pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]  # RapidOCR reads BGR
    with _LOCK:
        found = _engine()(pixels)
    boxes: Any = found.boxes if found.boxes is not None else ()
    return [_segment(box, text) for box, text in zip(boxes, found.txts or (), strict=True) if text.strip()]


def _segment(box: Any, text: str) -> Segment:
    """Return a line as a segment. A box is a little higher than the letters in it."""
    scale = 72 / _DPI
    xs, ys = [float(x) * scale for x, _ in box], [float(y) * scale for _, y in box]
    height = (ys[3] + ys[2] - ys[0] - ys[1]) / 2  # of the sides: a line may lie aslant
    return Segment(
        text=text,
        left=min(xs),
        right=max(xs),
        y=(ys[2] + ys[3]) / 2 - 0.25 * height,
        size=max(round(0.72 * height), 1),
    )


@cache
def _engine() -> Any:
    """Return the engine. The paths of its models are given, so that it looks for none and downloads nothing."""
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    missing = [name for name in _MODELS.values() if not (folder / name).is_file()]
    if missing:
        raise UnreadableFile(
            f"The installed rapidocr lacks the model {missing[0]}, and Resift downloads none. Install rapidocr 3.10."
        )
    models = {f"{stage}.model_path": str(folder / name) for stage, name in _MODELS.items()}
    return rapidocr.RapidOCR(params={"Global.log_level": "error", **models})
