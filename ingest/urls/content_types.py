"""From the media type that a server tells to the suffix by which a parser is chosen."""

from collections.abc import Mapping

from ..parsers.registry import has_parser

_CERTAIN: Mapping[str, str] = {
    "text/html": ".html",  # of .php and .jsp as well
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
}
"""Types that servers tell rightly, whatever the path of the URL ends in."""

_OTHERS: Mapping[str, str] = {
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/x-rst": ".rst",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/ld+json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/x-ipynb+json": ".ipynb",
    "application/epub+zip": ".epub",
    "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "message/rfc822": ".eml",
    "application/mbox": ".mbox",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
}
"""Types that count where the path of the URL has no suffix that a parser reads."""


def suffix_for(media_type: str, url: str) -> str:
    """Return the suffix of a media type; empty if that of the URL, or the look of the text, decides."""
    if media_type in _CERTAIN:
        return _CERTAIN[media_type]
    return "" if has_parser(url) else _OTHERS.get(media_type, "")
