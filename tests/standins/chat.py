"""A stand-in for a language model's endpoint: chat completions, with replies and faults on command."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import get_ident
from typing import Any, TypeAlias

import pytest

from resift.tests.standins.http import Answer, StandIn

PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Seen:
    """A passage as it stood in a request."""

    label: str
    title: str
    source: str
    date: str
    text: str


Rule: TypeAlias = Callable[[dict[str, Any], Seen], Any]
"""From a request and a passage in it to what passages are sorted by, the least first."""


class ChatStandIn(StandIn):
    """Replies with `reply`, or ranks honestly by a `rule`, and says what it would say with `around` its JSON.

    Where `phrasings` is set, queries are rephrased by it.
    """

    def __init__(self) -> None:
        super().__init__({PATH: self._complete})
        self.reply: str | None = "What hums?"
        self.rule: Rule | None = None
        self.phrasings: Callable[[str], list[str]] | None = None
        self.around = "{}"

    def _complete(self, body: dict[str, Any]) -> Answer:
        if self.phrasings is not None and (query := query_to_rephrase(body)):
            return completion(self.around.replace("{}", json.dumps({"queries": self.phrasings(query)})))
        if self.rule is None:
            return completion(self.reply)
        rule = self.rule
        order = [seen.label for seen in sorted(passages_in(body), key=lambda seen: rule(body, seen))]
        return completion(self.around.replace("{}", json.dumps({"ranking": order})))

    @property
    def url(self) -> str:
        return f"{self.root}/v1"


def passages_in(body: dict[str, Any]) -> list[Seen]:
    """Return the passages of a request, read as an honest model would: between the lines of the nonce."""
    system, user = (message["content"] for message in body["messages"])
    (nonce,) = re.findall(r"begin with (\w+),", system)
    blocks = re.split(rf"^{nonce} (\w+)\n?", user, flags=re.MULTILINE)
    return [_seen(label, block.strip("\n")) for label, block in zip(blocks[1::2], blocks[2::2], strict=True)][:-1]


def _seen(label: str, block: str) -> Seen:
    found = re.match(r"(?:title: (.*)\n)?(?:source: (.*)\n)?(?:date: (.*)\n)?", block)
    assert found is not None
    title, source, date = (each or "" for each in found.groups())
    return Seen(label, title, source=source, date=date, text=block[found.end() :])


def query_to_rephrase(body: dict[str, Any]) -> str:
    """Return the query between the lines of the nonce; "" if the request is for something else."""
    system, user = (message["content"] for message in body["messages"])
    nonce = re.search(r"You rephrase search queries\. .* lines that begin with (\w+)\.", system)
    return user.split(f"{nonce[1]} query\n")[1].split(f"\n{nonce[1]} end")[0] if nonce else ""


def query_of(body: dict[str, Any]) -> str:
    return re.findall(r"^Query: (.*)$", body["messages"][1]["content"], flags=re.MULTILINE)[0]


def by_words(body: dict[str, Any], seen: Seen) -> Any:
    """More of the query's words first; where the template says so, the later date first among equals."""
    words = set(re.findall(r"\w+", query_of(body).lower()))
    found = words & set(re.findall(r"\w+", f"{seen.title} {seen.text}".lower()))
    recent = "the later `date` comes first" in body["messages"][1]["content"]
    return (-len(found), newest(body, seen) if recent else [])


def newest(body: dict[str, Any], seen: Seen) -> Any:
    return [-int(part) for part in (seen.date or "0-0-0").split("-")]


def completion(content: str | list[Any] | None, *, finish: str = "stop") -> Answer:
    """Return the answer whose message has this content."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0, "model": "small", "choices": [choice]}
    return Answer({**body, "usage": usage})


def refusal(status: int, message: str) -> Answer:
    """Return the answer of an endpoint that refuses in OpenAI's form."""
    return Answer({"error": {"message": message}}, status)


def watch_clients(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the threads that make clients, to which those to come are added."""
    from openai import AsyncOpenAI

    made_by: list[int] = []
    make = AsyncOpenAI.__init__

    def watched(self: AsyncOpenAI, *values: Any, **options: Any) -> None:
        made_by.append(get_ident())
        make(self, *values, **options)

    monkeypatch.setattr(AsyncOpenAI, "__init__", watched)
    return made_by


def chat_stand_in() -> AbstractContextManager[ChatStandIn]:
    return ChatStandIn().serving()
