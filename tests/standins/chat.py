"""A stand-in for a language model's endpoint: chat completions, with replies and faults on command."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from resift.tests.standins.http import Answer, StandIn

PATH = "/v1/chat/completions"


class ChatStandIn(StandIn):
    """Replies with `reply`."""

    def __init__(self) -> None:
        super().__init__({PATH: lambda _: completion(self.reply)})
        self.reply: str | None = "What hums?"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"


def completion(content: str | None, *, finish: str = "stop", first_token: Mapping[str, float] | None = None) -> Answer:
    """Return the answer whose message has this content; `first_token` are logarithms of probabilities."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
    if first_token:
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in first_token.items()]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0, "model": "small", "choices": [choice]}
    return Answer({**body, "usage": usage})


def refusal(status: int, message: str) -> Answer:
    """Return the answer of an endpoint that refuses in OpenAI's form."""
    return Answer({"error": {"message": message}}, status)


def chat_stand_in() -> AbstractContextManager[ChatStandIn]:
    return ChatStandIn().serving()
