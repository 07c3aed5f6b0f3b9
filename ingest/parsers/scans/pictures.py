"""Pictures: the text in scans, photographs and screenshots, recognised if the extra [ocr] is installed."""

import warnings
from collections.abc import Collection, Iterator
from io import BytesIO
from typing import Any

from ....core.errors import BlankFile, UnreadableFile
from ...layout.composing import Facts, compose
from ...layout.running_heads import PageText
from ...text.properties import facts_of
from ...text.structure import ParsedDocument
from ..protocols import Content
from .recognition import SECONDS_PER_PICTURE, can_recognise, check_size, needs_recognition, recognised

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"))

_MAX_FRAMES = 1_000


class PictureParser:
    """Reads the text in pictures; each frame of a TIFF is a page."""

    is_binary = True

    @property
    def suffixes(self) -> Collection[str]:
        """Return the suffixes of pictures, or none where nothing can read them: then they are skipped in folders."""
        return SUFFIXES if can_recognise() else frozenset[str]()

    def sniff(self, text: str) -> bool:
        """Return False: the formats are binary."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the lines of text in a picture, in reading order.

        Raises:
            UnreadableFile: It is damaged or too large, or the extra is not installed.
            BlankFile: There is no text in it.
        """
        if not can_recognise():
            raise needs_recognition("It is a picture.")
        pages = list(_pages(content))
        if not any(layer for page in pages for layer in page.layers):
            raise BlankFile("No text was recognised in it, so there is nothing to search in it. Leave it out.")
        frames = len(pages)
        return compose(pages, Facts(has_lines=True, metadata=facts_of(pages=frames if frames > 1 else 0)))


def _pages(content: Content) -> Iterator[PageText]:
    from PIL import Image, ImageSequence

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on large pictures, which are counted here, and odd tags
        try:
            picture: Any = Image.open(BytesIO(content.data))
            check_size(picture)
            for number, frame in enumerate(ImageSequence.Iterator(picture), start=1):
                if number > _MAX_FRAMES:
                    return
                check_size(frame)
                content.more_time(SECONDS_PER_PICTURE)
                yield PageText(number, (recognised(frame),))
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            raise UnreadableFile(
                "It is not a picture, or it is damaged, such as by an incomplete download. Get the file again."
            ) from error
