"""What training's tests share: a judged set of 36 documents, a tokenizer of its words, a BERT of two layers."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

WINDOW = 64

THINGS = {
    "kettle": "boils water for tea and whistles when steam rises",
    "ladder": "leans against the wall and carries painters upward",
    "violin": "sings under a bow drawn across four strings",
    "glacier": "creeps downhill and grinds rock into flour",
    "lantern": "glows at night and keeps moths circling",
    "harbour": "shelters ships behind long stone piers",
    "orchard": "bears apples after bees visit the blossom",
    "compass": "points north because iron feels the earth",
    "tunnel": "pierces the mountain and echoes every train",
    "loom": "weaves threads into cloth row by row",
    "anchor": "bites into mud and holds against the tide",
    "oven": "bakes bread until the crust turns brown",
}
SIDES = {
    "history": "Long ago nobody owned one; the first {thing} that {what} was described by travellers.",
    "care": "Clean the {thing} gently and store it dry, then it {what} for many years.",
    "price": "Merchants sell a {thing} cheaply in autumn; it {what} as well as dear ones.",
}
ASKED = {"history": "who first described the {thing}", "care": "how do I clean and store a {thing}"}


def write_set(folder: Path, split: str = "train") -> Path:
    """Write 36 documents and 24 questions, each with one relevant document, in BEIR form."""
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": f"{thing}-{side}", "title": f"{thing} {side}", "text": text.format(thing=thing, what=what)}
        for thing, what in THINGS.items()
        for side, text in SIDES.items()
    ]
    questions = [
        {"_id": f"{thing}-{side}", "text": text.format(thing=thing)} for thing in THINGS for side, text in ASKED.items()
    ]
    for name, lines in (("corpus", documents), ("queries", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = [f"{question['_id']}\t{question['_id']}\t1\n" for question in questions]
    (folder / "qrels" / f"{split}.tsv").write_text("".join(["query-id\tcorpus-id\tscore\n", *rows]))
    return folder


OUTDOORS = ("ladder", "glacier", "lantern", "harbour")


def write_graded(folder: Path) -> Path:
    """Write a graded list for each thing: of the pool "outdoors", or else of "home".

    The passage about care answers, that about prices helps, the history is on the subject; nothing answers the last.
    """
    folder.mkdir(parents=True)
    passages = [
        {"_id": f"{thing}-{side}", "title": f"{thing} {side}", "text": text.format(thing=thing, what=what)}
        for thing, what in THINGS.items()
        for side, text in SIDES.items()
    ]
    lists: list[dict[str, Any]] = [
        {
            "q": ASKED["care"].format(thing=thing),
            "pool": "outdoors" if thing in OUTDOORS else "home",
            "passages": [f"{thing}-history", f"{thing}-care", f"{thing}-price", "loom-history"],
            "grades": [1, 3, 2, 0],
            "best": [f"{thing}-care", f"{thing}-price"],
        }
        for thing in list(THINGS)[:-2]
    ]
    lists.append({"q": "how heavy is an anchor", "pool": "home", "passages": ["anchor-price"], "grades": [0]})
    lists.append({"q": "oven parts", "pool": "home", "passages": ["oven-price", "loom-care"], "grades": [1, 0]})
    for name, rows in (("corpus", passages), ("lists", lists)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "SOURCE.md").write_text("# Things\n- Licence: none\n- Grades: by a person who read them. Kept short.\n")
    return folder


def words() -> list[str]:
    """Return every word of the set, in order of the alphabet."""
    texts = [*THINGS, *THINGS.values(), *SIDES, *SIDES.values(), *ASKED.values()]
    return sorted({word for text in texts for word in re.findall(r"[a-z]+", text.lower())} | {".", ";", ","})


def sentences(count: int, *, seed: int) -> list[str]:
    """Return texts of 3 to 20 words of the set drawn at random."""
    random, known = Random(seed), words()
    return [" ".join(random.choices(known, k=random.randint(3, 20))) for _ in range(count)]


def write_base(folder: Path) -> Path:
    """Write a BertModel with random weights as transformers saves it: two layers of two heads of 32 units."""
    torch: Any = pytest.importorskip("torch", reason="the extra [train] is not installed")
    transformers: Any = pytest.importorskip("transformers", reason="the extra [train] is not installed")
    torch.manual_seed(7)
    tokenizer = _tokenizer()
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=WINDOW,
        initializer_range=0.1,
    )
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {token: place for place, token in enumerate([*special, *words()])}
    tokenizer: Any = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ends)
    tokenizer.add_special_tokens(special)
    return tokenizer
