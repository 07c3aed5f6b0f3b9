"""A parser that does to its process what a broken library or a malicious document can do."""

import ctypes
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from resift.ingest.parsers import Block, Content, ParsedDocument, Section


def _crash(_: Content) -> str:
    return ctypes.string_at(0).decode()


def _hang(content: Content) -> NoReturn:
    """Start a program that keeps a pipe open, if one is named, and never return."""
    words = content.text.removeprefix("hostile ").split()
    if len(words) > 1:
        with Path(words[1]).open("wb") as pipe:
            subprocess.Popen(["sh", "-c", "echo begun && exec sleep 1000"], stdout=pipe)
    while True:
        time.sleep(1000)


def _stall(content: Content) -> NoReturn:
    """Say that it has begun, by opening a pipe, and never return."""
    Path(content.text.split()[1]).open("wb").close()
    while True:
        time.sleep(1000)


def _ask_for_time(content: Content) -> str:
    content.more_pages(1000)
    return "It was given the time."


def _ask_and_hang(content: Content) -> NoReturn:
    """Ask for time, and never return."""
    content.more_pages(1000)
    while True:
        time.sleep(1000)


def _swell(_: Content) -> str:
    return bytearray(4 * 2**30).decode()


def _flood(_: Content) -> str:
    return "word " * 500_000


def _print(_: Content) -> str:
    print("printed by Python")  # noqa: T201
    os.write(1, b"written by C\n")
    return "It has printed."


def _forge(_: Content) -> NoReturn:
    """Send what is no message, as a document would that has taken over the process."""
    _send(b"[1]")
    os._exit(0)


def _inflate(_: Content) -> NoReturn:
    """Send a head that is too long."""
    _send(b'{"begins": "%s"}' % (b"x" * 100_000))
    os._exit(0)


def _lie(_: Content) -> NoReturn:
    """Ask for a time that is no number, and never return."""
    _send(b'{"seconds": NaN}')
    while True:
        time.sleep(1000)


def _send(head: bytes) -> None:
    """Write the head of a message to every open pipe."""
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, struct.pack(">IQ", len(head), 0) + head)
        except OSError:
            continue


_ACTIONS: dict[str, Callable[[Content], str]] = {
    "crash": _crash,
    "hang": _hang,
    "stall": _stall,
    "ask": _ask_for_time,
    "overdo": _ask_and_hang,
    "swell": _swell,
    "flood": _flood,
    "print": _print,
    "forge": _forge,
    "inflate": _inflate,
    "lie": _lie,
    "exit": lambda _: sys.exit(3),
    "variables": lambda _: "\n".join(os.environ),
    "modules": lambda _: "\n".join(sys.modules),
    "directory": lambda _: f"{Path.cwd()}\n" + "\n".join(sys.path),
}

_METADATA: dict[str, dict[str, Any]] = {
    "date": {"day": date(2024, 5, 1), "tags": {"one"}},
    "object": {"made_of": object()},
}


class HostileParser:
    """Does what the first word of a document says."""

    suffixes = (".hostile",)
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return whether the text says what to do."""
        return text.startswith("hostile ")

    def parse(self, content: Content) -> ParsedDocument:
        """Return the text that the action returns, if it returns at all."""
        words = content.text.removeprefix("hostile ").split()
        action = _ACTIONS.get(words[0])
        lines = (action(content) if action else content.text).split("\n")
        return ParsedDocument(
            lines=lines,
            line_numbers=range(1, len(lines) + 1),
            sections=(Section((), (Block(0, len(lines)),)),),
            metadata=_METADATA.get(words[0], {}),
        )
