"""Queries in scripts that a model does not know are recognised by its tokenizer."""

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from resift.models.bundled import BUNDLED, RERANKER_FOLDER, TOKENIZER_FILE
from resift.models.onnx_export import open_tokenizer
from resift.models.unread import is_unread

TOKENIZERS = [
    open_tokenizer(folder / TOKENIZER_FILE) for folder in (BUNDLED["all-MiniLM-L6-v2-int8"].folder, RERANKER_FOLDER)
]


@pytest.mark.parametrize(
    "text",
    [
        "如何重置路由器",
        "データベースの接続",
        "サーバーを再起動する",
        "ฐานข้อมูล",
        "ខ្មែរ",
        "தமிழ் மொழி",
        "👍",
        "如何重置 it?",
        "!? 数据",
        "水泵",
    ],
)
def test_texts_of_unknown_letters_are_unread(text: str) -> None:
    assert all(is_unread(each, text) for each in TOKENIZERS)


@pytest.mark.parametrize(
    "text",
    [
        "how do I reset it?",
        "",
        "…",
        "Wie geht's zurück?",
        "как сбросить роутер",
        "what does 👍 mean?",
        "Redis pool 连接池",
        "大水",
        "β ≥ 5 µg",
    ],
)
def test_texts_of_known_letters_are_read(text: str) -> None:
    assert not any(is_unread(each, text) for each in TOKENIZERS)


def test_pieces_of_several_characters_are_known() -> None:
    pieces = ["[UNK]", "こ", "##んにちは", "สวัส", "##ดีครับ", "ฐ", "##า", "##น"]
    tokenizer = Tokenizer(WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    assert not is_unread(tokenizer, "こんにちは")
    assert not is_unread(tokenizer, "สวัสดีครับ")
    assert is_unread(tokenizer, "ฐานาน")
