"""A language model's endpoint that ranks honestly by numbers, and listwise rerankers that ask it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import anyio
import pytest

from resift.models.endpoint.chat import LanguageModel
from resift.models.endpoint.client import Endpoint
from resift.prompts.templates import load_templates
from resift.rerank.llm.listwise import Listwise, ListwiseOptions
from resift.tests.rerank.llm.heads import Build, by_number
from resift.tests.standins.chat import ChatStandIn, chat_stand_in


@pytest.fixture
def server() -> Iterator[ChatStandIn]:
    with chat_stand_in() as server:
        server.rule = by_number
        yield server


@pytest.fixture
def build(server: ChatStandIn) -> Build:
    async def no_pause(seconds: float) -> None:
        await anyio.lowlevel.checkpoint()

    def build(timeout_s: float = 60.0, retries: int = 2, **options: Any) -> Listwise:
        model = LanguageModel(
            Endpoint("small", server.url, api_key="sesame", timeout_s=timeout_s, retries=retries), sleep=no_pause
        )
        return Listwise(model, load_templates(), ListwiseOptions(**options), today=lambda: date(2026, 1, 2))

    return build
