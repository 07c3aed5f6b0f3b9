"""Which sets a command line means: folders, pools of graded lists, their weights, and what is held out."""

from pathlib import Path

import pytest

from resift.core.errors import InvalidInput
from resift.tests.training.tiny import write_graded, write_set
from resift.training.sets import LabelledSet, check_distinct, check_sets, read_sets


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    """Return a folder of graded lists: eight of the pool "home", four of "outdoors"."""
    return write_graded(tmp_path / "graded")


def test_mix_is_read_with_and_without_weights() -> None:
    mix, dev = read_sets(["a/b", "c=2.5", "d=e=1"], ["f"])
    assert mix == {LabelledSet(Path("a/b")): 1, LabelledSet(Path("c")): 2.5, LabelledSet(Path("d=e")): 1}
    assert dev == [LabelledSet(Path("f"))]


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["a=much"], "'much' is not a number"),
        (["a="], "'' is not a number"),
        (["a=0"], "greater than 0"),
        (["a=-1"], "greater than 0"),
        (["a=nan"], "greater than 0"),
        (["a=inf"], "finite"),
        (["a", "a=2"], "--data a is given twice"),
    ],
)
def test_mix_that_cannot_be_is_refused(specs: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_sets(specs, [])


def test_graded_lists_are_a_set_for_each_pool_and_share_the_weight_by_their_lists(graded: Path) -> None:
    mix, _ = read_sets([f"{graded}=3"], [])
    assert {each.pool: weight for each, weight in mix.items()} == {"home": 2, "outdoors": 1}
    assert [each.name for each in mix] == ["graded:home", "graded:outdoors"]
    mix, _ = read_sets([f"{graded}:home=3", f"{graded}:outdoors=0.5"], [])
    assert {each.pool: weight for each, weight in mix.items()} == {"home": 3, "outdoors": 0.5}


def test_pool_that_decides_when_to_stop_is_not_learned_from(graded: Path) -> None:
    mix, dev = read_sets([f"{graded}=3"], [f"{graded}:outdoors"])
    assert {each.pool: weight for each, weight in mix.items()} == {"home": 3}
    assert [each.pool for each in dev] == ["outdoors"]
    assert [each.pool for each in read_sets([], [str(graded)])[1]] == ["home", "outdoors"]


@pytest.mark.parametrize(
    ("data", "dev", "message"),
    [
        ("{}:sea", "things", "--data .*graded has no pool 'sea'. Its pools: home, outdoors."),
        ("{}", "{}:sea", "--dev .*graded has no pool 'sea'"),
        ("{}", "{}", "--dev has all its pools. Name some of them there"),
        ("things:home", "{}", r"--data things:home: things has no lists\.jsonl. Only graded lists have pools."),
    ],
)
def test_pools_that_cannot_be_are_refused(
    graded: Path, monkeypatch: pytest.MonkeyPatch, data: str, dev: str, message: str
) -> None:
    write_set(graded.parent / "things")
    monkeypatch.chdir(graded.parent)
    with pytest.raises(InvalidInput, match=message):
        read_sets([data.format(graded)], [dev.format(graded)])


def test_pool_named_for_both_uses_is_refused(graded: Path) -> None:
    mix, dev = read_sets([f"{graded}:home"], [f"{graded}:home,outdoors"])
    with pytest.raises(InvalidInput, match="must not be used both to learn from and to decide when to stop"):
        check_distinct([*mix, *dev])


def test_folder_may_be_learned_from_and_measured_on_by_two_of_its_splits(graded: Path) -> None:
    folder = write_set(graded.parent / "things")
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    mix, dev = read_sets([str(folder)], [str(folder), f"{graded}:home"], "dev")
    assert [each.name for each in dev] == ["things (dev)", "graded:home"]
    check_distinct([*mix, *dev])
    check_sets("--dev", dev, "train")
    (learned,) = mix
    assert dev[0].sums("train") != learned.sums("train")
    assert dev[0].sums("train") == learned.sums("dev")
    with pytest.raises(InvalidInput, match=r"no split 'dve'\. Its splits: dev, train.*--dev-split"):
        check_sets("--dev", read_sets([], [str(folder)], "dve")[1], "train")
    with pytest.raises(InvalidInput, match="--dev-split is for a folder of judged questions in --dev"):
        read_sets([str(folder)], [f"{graded}:home"], "dev")


def test_folder_may_have_a_colon_in_its_name(tmp_path: Path) -> None:
    odd = write_set(tmp_path / "a:b")
    assert list(read_sets([str(odd)], [])[0]) == [LabelledSet(odd)]


def test_checksums_change_with_the_lists(graded: Path) -> None:
    home = LabelledSet(graded, "home")
    before = home.sums("train")
    with (graded / "lists.jsonl").open("a") as file:
        file.write("\n")
    assert home.sums("train") != before
