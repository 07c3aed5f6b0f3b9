"""The bundled encoder: one text in, one vector out, the same whatever happens around it."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import InvalidInput
from resift.models.bundled import BUNDLED
from resift.models.text.transformer import Transformer
from resift.models.worker_pool import WorkerPool

TEXTS = [
    "The cat sat on the mat.",
    "",
    "A " + "rather long-winded " * 60 + "text",
    "To install, run pip install resift.",
    "Quantum computers factor integers. " * 90,
    "naïve café — 東京 🚀",
] * 3


@pytest.fixture(scope="module")
def transformer() -> Transformer:
    return Transformer.open(BUNDLED["all-MiniLM-L6-v2-int8"])


def test_vector_is_a_unit_vector_of_the_promised_dimension(transformer: Transformer) -> None:
    vector = transformer.embed("The cat sat on the mat.").vector
    assert vector.shape == (transformer.model.dimension,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.anyio
@pytest.mark.parametrize("threads", [1, 2, 4])
async def test_vector_is_the_same_bits_whatever_threads_and_neighbours(transformer: Transformer, threads: int) -> None:
    alone = [transformer.embed(text).vector for text in TEXTS]
    batched = await WorkerPool(threads).map(transformer.embed, TEXTS)
    for one, other in zip(alone, batched, strict=True):
        assert one.tobytes() == other.vector.tobytes()


def test_tokenizer_counts_alike_in_many_threads(transformer: Transformer) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(transformer.count, TEXTS)) == [transformer.count(text) for text in TEXTS]


def test_similar_texts_are_nearer_than_dissimilar_ones(transformer: Transformer) -> None:
    texts = ("How do I install the package?", "Run pip install to set it up.", "The Danube flows into the Black Sea.")
    question, answer, other = (transformer.embed(text).vector for text in texts)
    assert question @ answer > question @ other + 0.2


def test_text_over_the_window_is_reported_as_truncated(transformer: Transformer) -> None:
    fits, over = "word " * (transformer.window - 2), "word " * (transformer.window - 1)
    assert (transformer.embed(fits).tokens, transformer.embed(fits).truncated) == (transformer.window, False)
    assert (transformer.embed(over).tokens, transformer.embed(over).truncated) == (transformer.window + 1, True)
    assert transformer.embed_tokens(over).truncated


def test_only_the_beginning_of_a_truncated_text_is_read(transformer: Transformer) -> None:
    beginning = "word " * (transformer.window - 2)
    assert np.array_equal(transformer.embed(beginning).vector, transformer.embed(beginning + "other words").vector)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00", "\ud800", "\u200b"])
def test_text_without_words_has_a_vector_and_no_token_rows(transformer: Transformer, text: str) -> None:
    assert np.isfinite(transformer.embed(text).vector).all()
    assert transformer.embed_tokens(text).matrix.shape[1] == transformer.model.dimension


def test_token_rows_leave_out_the_special_tokens(transformer: Transformer) -> None:
    text = "The cat sat on the mat."
    matrix = transformer.embed_tokens(text).matrix
    assert matrix.shape == (transformer.count(text) - 2, transformer.model.dimension)
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(np.ones(len(matrix)), abs=1e-5)


def test_short_text_is_one_window_unchanged(transformer: Transformer) -> None:
    for text in ("", "  spaces kept  ", "a short text"):
        assert transformer.windows(text, window=transformer.window, overlap=32) == [text]


def test_windows_fit_overlap_and_cover(transformer: Transformer) -> None:
    words = [f"word{number}" for number in range(500)]
    windows = transformer.windows(" ".join(words), window=64, overlap=16)
    assert all(transformer.count(window) <= 64 for window in windows)
    assert all(set(window.split()) <= set(words) for window in windows), "cut inside a word"
    assert list(dict.fromkeys(word for window in windows for word in window.split())) == words
    assert all(set(one.split()) & set(next_.split()) for one, next_ in pairwise(windows))


def test_overlap_that_leaves_no_room_is_refused(transformer: Transformer) -> None:
    with pytest.raises(InvalidInput, match="An overlap of 40 tokens does not fit windows of 62"):
        transformer.windows("text", window=64, overlap=40)


@given(text=st.text(max_size=300), window=st.integers(10, 40))
@settings(max_examples=200, deadline=None)
def test_windows_of_any_text_fit_and_are_parts_of_it(transformer: Transformer, text: str, window: int) -> None:
    windows = transformer.windows(text, window=window, overlap=3)
    assert all(transformer.count(each) <= window for each in windows)
    assert all(each in text for each in windows)
