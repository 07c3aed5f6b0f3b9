"""Remember orders: the same passages, asked about again in the same words, cost nothing."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import astuple
from hashlib import blake2b

from .prompt import PromptPassage
from .window import OrderingTask


class Orders:
    """The last `limit` orders, those used longest ago going first; never what a failure left."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[bytes, tuple[int, ...]] = OrderedDict()

    def get(self, key: bytes) -> tuple[int, ...] | None:
        """Return the order kept by a key."""
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def keep(self, key: bytes, places: Sequence[int]) -> None:
        """Keep an order."""
        self._known[key] = tuple(places)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)


def order_key(model: str, strategy: str, task: OrderingTask, shown: Sequence[PromptPassage]) -> bytes:
    """Return the key of an order: all that the model's answer depends on; today where the template names it."""
    template = task.template
    today = task.today if "today" in template.placeholders else ""
    parameters = (task.permutations, task.passage_tokens, task.reply_tokens, task.seed)
    asked = (model, strategy, astuple(template), parameters, task.query, task.instruction, today)
    content = json.dumps([asked, [astuple(each) for each in shown]])
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()
