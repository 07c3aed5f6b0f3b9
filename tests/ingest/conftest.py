import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from resift.ingest.cut import Cutter


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """One token for each run of word characters, each mark and each Chinese character, as WordPiece cuts at least."""
    built = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(handle_chinese_chars=True, lowercase=True)
    built.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w{1,8}|[^\w\s]"), "removed", invert=True)
    return built


@pytest.fixture(scope="session")
def cutter(tokenizer: Tokenizer) -> Cutter:
    return Cutter(tokenizer)
