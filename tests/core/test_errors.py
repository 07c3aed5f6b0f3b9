from resift.core.errors import nearest


def test_nearest_name_is_suggested_and_a_far_one_is_not() -> None:
    assert nearest("defualt", ["default", "notes"]) == " Did you mean 'default'?"
    assert nearest("zzz", ["default", "notes"]) == ""
    assert nearest("x", []) == ""
