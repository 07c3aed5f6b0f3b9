"""Secrets are masked in every form in which a service may repeat them; ordinary words are not."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import Hint, ModelError
from resift.core.masking import SECRETS, Secrets

KEY = 's3cr3t/"ü +=\\key'
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "quoted": lambda text: quote(text, safe=""),
    "quoted, with slashes": quote,
    "quoted in lower case": lambda text: quote(text, safe="").lower(),
    "quoted as a form": quote_plus,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON, not only ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "in a representation": lambda text: repr(text)[1:-1],
    "in HTML": html.escape,
    "in Base64": lambda text: b64encode(text.encode()).decode(),
    "in Base64 for URLs": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "inside Base64": lambda text: b64encode(f"name:{text}!".encode()).decode(),
}


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("form", FORMS)
def test_secret_is_masked_in_this_form(form: str) -> None:
    secrets = Secrets()
    secrets.add(KEY)
    told = FORMS[form](KEY)
    shown = secrets.mask(f"You sent {told} to us")
    assert told not in shown
    assert "***" in shown
    assert shown.startswith("You sent ")
    assert shown.endswith(" to us")


@given(st.text(min_size=4), st.sampled_from(sorted(FORMS)), st.text(alphabet="abc {}:=", max_size=20))
def test_no_form_of_any_secret_is_shown(key: str, form: str, around: str) -> None:
    secrets = Secrets()
    secrets.add(f"{key}-012345678")
    told = FORMS[form](f"{key}-012345678") if key.isprintable() else f"{key}-012345678"
    assert "-012345678" not in secrets.mask(f"{around}{told}{around}")


@pytest.mark.parametrize("login", ["user:pw", "user:p%40ss", "u%3Aser:long-password"])
def test_login_of_a_url_is_masked_as_it_is_sent(login: str) -> None:
    from urllib.parse import unquote

    secrets = Secrets()
    secrets.add_url(f"http://{login}@models:8080/v1")
    basic = _encoded(unquote(login))
    for told in (f"Authorization: Basic {basic}", f"http://{login}@models:8080/v1", f"as {unquote(login)}"):
        shown = secrets.mask(told)
        assert basic not in shown
        assert login not in shown
        assert unquote(login) not in shown
    assert "models:8080/v1" in secrets.mask(f"http://{login}@models:8080/v1")


def test_login_of_a_url_that_nobody_configured_is_masked_too() -> None:
    assert (
        Secrets().mask("http://me:mine@host/path?a=b and me@example.org")
        == "http://***@host/path?a=b and me@example.org"
    )


def test_keys_in_the_query_of_a_url_are_masked_and_its_other_values_are_not() -> None:
    secrets = Secrets()
    secrets.add_url("https://host/rerank?api-key=abcd1234&version=2024-06")
    assert secrets.mask("GET /rerank?api-key=abcd1234&version=2024-06") == "GET /rerank?api-key=***&version=2024-06"


def test_short_secret_is_masked_only_where_it_is_sent() -> None:
    secrets = Secrets()
    secrets.add("abc")
    secrets.add_login("me", "pw")
    assert secrets.mask("the abc of pw") == "the abc of pw"
    assert secrets.mask(f"Bearer abc, me:pw, {_encoded('me:pw')}") == "***, ***, ***"


@pytest.mark.parametrize("key", ["", "  ", "none", "EMPTY", "ollama", "lm-studio"])
def test_placeholders_for_keys_are_not_masked(key: str) -> None:
    secrets = Secrets()
    secrets.add(key)
    assert secrets.mask(f"Bearer {key} at ollama") == f"Bearer {key} at ollama"


def test_words_of_documents_are_masked_only_if_they_cannot_be_ordinary_ones() -> None:
    secrets = Secrets()
    secrets.add("admin")
    secrets.add("sk-0123456789")
    assert secrets.mask("admin sk-0123456789") == "*** ***"
    assert secrets.mask_content("admin sk-0123456789 http://a:b@c") == "admin *** http://a:b@c"


def test_text_without_a_secret_stays_as_it_is() -> None:
    secrets = Secrets()
    assert secrets.mask("nothing to hide") == "nothing to hide"
    secrets.add("sk-0123456789")
    assert secrets.mask("nothing to hide") == "nothing to hide"


def test_errors_hold_no_secret() -> None:
    SECRETS.add("sk-in-an-error-0123")
    error = ModelError("The server said: Bearer sk-in-an-error-0123.", hint=Hint.FIND_CAUSE)
    assert "0123" not in f"{error} {error!r} {error.args} {error.text({})}"


def test_malformed_url_has_no_secret_that_is_known() -> None:
    secrets = Secrets()
    secrets.add_url("http://[::1")
    assert secrets.mask("http://[::1") == "http://[::1"
