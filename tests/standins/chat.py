"""A stand-in for a language model's endpoint: chat completions, with replies and faults on command."""

from contextlib import AbstractContextManager
from typing import Any

from resift.tests.standins.http import Answer, StandIn

PATH = "/v1/chat/completions"
REFUSAL = Answer({"error": {"message": "no such model"}}, 404)


class ChatStandIn(StandIn):
    """Replies with `reply`."""

    def __init__(self) -> None:
        super().__init__({PATH: lambda _: completion(self.reply)})
        self.reply: str | None = "What hums?"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"


def completion(content: str | None, *, finish: str = "stop") -> Answer:
    """Return the answer whose message has this content."""
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0, "model": "small", "choices": choices}
    return Answer({**body, "usage": usage})


def chat_stand_in() -> AbstractContextManager[ChatStandIn]:
    return ChatStandIn().serving()
