from resift.core.errors import MissingExtra, nearest


def test_nearest_name_is_suggested_and_a_far_one_is_not() -> None:
    assert nearest("defualt", ["default", "notes"]) == " Did you mean 'default'?"
    assert nearest("zzz", ["default", "notes"]) == ""
    assert nearest("x", []) == ""


def test_missing_extra_says_how_to_install_it() -> None:
    message = str(MissingExtra("Reranker 'bge'", "torch"))
    assert message == "Reranker 'bge' needs an optional part of Resift. Install it: pip install 'resift[torch]'"
