"""Messages between the processes: each has a head in JSON and a body of bytes, both preceded by their lengths."""

import json
import struct
from dataclasses import dataclass
from typing import IO, Any

_LENGTHS = struct.Struct(">IQ")

MOST_HEAD_BYTES = 64_000  # the name of a document, and a few words

MAX_NAME_CHARS = 4_000  # which take 12 bytes each at most


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it was read, and the bytes that it took."""

    head: dict[str, Any]
    body: bytes
    size: int


def write_frame(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Write a message without flushing the stream."""
    encoded = json.dumps(head).encode()  # escapes what is not ASCII, such as names of files that are not UTF-8
    stream.write(_LENGTHS.pack(len(encoded), len(body)))
    stream.write(encoded)
    stream.write(body)


def read_frame(stream: IO[bytes], most_bytes: int, *, most_head_bytes: int = MOST_HEAD_BYTES) -> Frame | None:
    """Return the next message, or None if it has more than `most_bytes`; of such a one only the lengths are read.

    Raises:
        EOFError: The stream ended.
        TypeError, ValueError, RecursionError: The message is not one of this protocol.
    """
    head_bytes, body_bytes = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    size = _LENGTHS.size + head_bytes + body_bytes
    if size > most_bytes:
        return None
    if head_bytes > most_head_bytes:
        raise ValueError(f"the head has {head_bytes:,} bytes")
    head = json.loads(_exactly(stream, head_bytes))
    return Frame(dict(head), _exactly(stream, body_bytes), size)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    read = stream.read(count)
    if len(read) < count:
        raise EOFError
    return read
