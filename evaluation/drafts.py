"""Start a set of questions of one's own: passages of a collection, each from another document."""

import random
from collections.abc import Sequence

from ..core.errors import NotFound
from ..search.store import Collection
from .questions import Draft

SHORTEST = 200  # characters of a passage that says enough to be asked about
ATTEMPTS = 5  # passages looked at in a document before a short one is taken


async def sample_passages(collection: Collection, number: int, *, seed: int) -> list[Draft]:
    """Return at most `number` drafts without questions; the same ones for a seed.

    Raises:
        NotFound: The collection holds no documents.
    """
    entries = await collection.entries()
    if not entries:
        raise NotFound(f"Collection {collection.name!r} holds no documents to ask about. Ingest some first.")
    chance = random.Random(seed)  # noqa: S311 - a draw of questions, not of secrets
    documents = chance.sample(sorted(entries), min(number, len(entries)))
    places = {each: _ordinals(chance, entries[each].passages) for each in documents}
    drafts: list[Draft] = []
    for document, ordinals in places.items():
        points = await collection.points_in(document)
        found = await collection.fetch([points[ordinal] for ordinal in ordinals if ordinal < len(points)])
        passages = list(found.values())
        if passages:  # none where the document was removed meanwhile
            passage = next((each for each in passages if len(each.text) >= SHORTEST), passages[0])
            drafts.append(Draft("", [document], passage.content))
    return drafts


def _ordinals(chance: random.Random, passages: int) -> Sequence[int]:
    return chance.sample(range(passages), min(ATTEMPTS, passages))
