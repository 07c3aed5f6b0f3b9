"""Read real passages, to calibrate a model on some and to measure it on others."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random


def read_corpus(path: Path) -> list[str]:
    """Return the texts, titles above them, of a BEIR corpus.jsonl or of the folder that holds one."""
    file = path / "corpus.jsonl" if path.is_dir() else path
    with file.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines if line.strip()]
    return [f"{entry.get('title', '')}\n{entry['text']}".strip() for entry in entries]


def sample(corpora: Sequence[Sequence[str]], count: int, *, seed: int) -> list[str]:
    """Return up to `count` texts in random order, as many from one corpus as from another."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    share = -(-count // len(corpora))
    drawn = [text for corpus in corpora for text in random.sample(corpus, min(share, len(corpus)))]
    random.shuffle(drawn)
    return drawn[:count]
