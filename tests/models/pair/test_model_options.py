"""Templates, window and device of a cross-encoder that runs here: what is read, and what cannot be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from resift.core.errors import ModelError
from resift.models.devices import Device
from resift.models.options import InputFormat, ModelOptions
from resift.models.pair.loading import find_cross_encoder
from resift.models.pair.scorer import MAX_WINDOWS, PairScore, PairTokenizer
from resift.tests.models.rerankers import SEP_IN_COMMON, TOKENIZER, write_exported, write_own

FORM = InputFormat("judge, by {instruction}, the query {query} now", "document {passage} answer:", "relevance")


def tokenizer(window: int = 128, input_format: InputFormat = FORM) -> PairTokenizer:
    return PairTokenizer.open(TOKENIZER, window=window, input_format=input_format)


def test_model_reads_both_sides_in_their_form(tmp_path: Path) -> None:
    folder = str(write_exported(tmp_path, positions=128))
    plain, formed = find_cross_encoder(folder), find_cross_encoder(folder, options=ModelOptions(FORM))
    texts = ["a red brake", "lamp"]
    assert [score.value for score in plain.open().score("red", texts)] == [SEP_IN_COMMON + 1, SEP_IN_COMMON]
    scorer = formed.open()
    asked = scorer.tokenizer.fit_query("red").pieces[0]
    assert asked == "judge, by relevance, the query red now"
    same = plain.open().score(asked, [FORM.format_passage(text) for text in texts])
    assert scorer.score(asked, texts) == same


def test_every_window_of_a_long_passage_has_the_whole_form() -> None:
    tokens = tokenizer(96)
    asked = tokens.fit_query("red brake").pieces[0]
    fitted = tokens.fit_passage(asked, "lamp " * 120 + "Donaudampfschifffahrtsgesellschaft " * 5)
    assert 1 < len(fitted.pieces) <= MAX_WINDOWS
    pairs, _ = tokens.encode_windows(asked, "lamp " * 120)
    for piece, pair in zip(fitted.pieces, pairs, strict=False):
        assert piece.startswith("document ")
        assert piece.endswith(" answer:")
        assert pair.ids.size <= 96
        assert pair.ids[0, -3:].tolist() == tokens.encode_pair("", "answer:").ids[0, -3:].tolist(), "template cut"


def test_long_instruction_leaves_the_query_and_a_long_query_the_instruction() -> None:
    tokens = tokenizer(256)
    long_instruction = tokens.fit_query("red brake", "lamp " * 1000)
    assert long_instruction.pieces[0].endswith(" the query red brake now")
    long_query = tokens.fit_query("lamp " * 1000, "only brakes")
    assert long_query.pieces[0].startswith("judge, by only brakes, the query lamp lamp")
    assert (long_instruction.complete, long_query.complete) == (False, False)
    assert tokens.fit_query("red brake", "only brakes").complete


def test_templates_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ModelError, match=r"take \d+ of the 64 tokens .* Shorten them, or raise `window`"):
        tokenizer(64, InputFormat("{query}", "lamp " * 30 + "{passage}"))


@pytest.mark.parametrize(("window", "read"), [(0, 512), (48, 48), (700, 700)])
def test_window_is_what_the_options_say(tmp_path: Path, window: int, read: int) -> None:
    model = find_cross_encoder(str(write_exported(tmp_path, positions=1024)), options=ModelOptions(window=window))
    assert model.open().tokenizer.window == read


@pytest.mark.parametrize(("write", "limit"), [(write_exported, 64), (write_own, 32)])
def test_window_beyond_what_the_model_reads_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], limit: int
) -> None:
    model = find_cross_encoder(str(write(tmp_path)), options=ModelOptions(window=65))
    with pytest.raises(ModelError, match=f"reads at most {limit} tokens; lower its `window` of 65"):
        model.open()


@pytest.mark.parametrize(
    ("device", "message"),
    [("cuda", "cannot use the device 'cuda'.*onnxruntime-gpu"), ("mps", "do not run on the device 'mps'. Choose cpu")],
)
def test_device_that_is_not_there_is_told(tmp_path: Path, device: Device, message: str) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():  # pyright: ignore
        pytest.skip("this machine has the device")
    with pytest.raises(ModelError, match=message):
        find_cross_encoder(str(write_own(tmp_path)), options=ModelOptions(device=device)).open()


def test_processor_may_be_asked_for(tmp_path: Path) -> None:
    scorer = find_cross_encoder(str(write_own(tmp_path)), options=ModelOptions(device="cpu")).open()
    assert scorer.score("red brake", ["a red lamp"]) == [PairScore(SEP_IN_COMMON + 1)]
