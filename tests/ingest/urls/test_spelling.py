"""URLs as ids and sources."""

from pathlib import Path

import pytest

from resift.ingest.urls.spelling import identity, is_url, whole, with_suffix, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.org/p?page=2&lang=en#top", "https://a.org/p?page=2&lang=en"),
        ("HTTPS://A.org", "https://a.org/"),
        ("https://a.org/p?token=hunter2&page=2", "https://a.org/p?page=2"),
        ("https://a.org/p?api_key=x&X-Amz-Signature=y&X-Amz-Date=z&sig=s", "https://a.org/p"),
        ("https://a.org/p?access_token=x&Expires=1&Policy=p&sessionid=s&code=c", "https://a.org/p"),
        ("https://user:pw@a.org/p", "https://a.org/p"),
        ("https://a.org/p?monkey&q=token", "https://a.org/p?monkey&q=token"),
        ("https://a.org/p?country_code=US&postcode=1&design=a", "https://a.org/p?country_code=US&postcode=1&design=a"),
        (
            "https://a.org/p?%74oken=x&access%5Ftoken=x&user[password]=x&accessToken=x&API.KEY=x&session_id=x&a=1",
            "https://a.org/p?a=1",
        ),
    ],
)
def test_source_keeps_what_tells_pages_apart_and_no_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_pages_have_ids_of_their_own_and_the_same_one_however_their_urls_are_signed() -> None:
    pages = ["?code=a", "?code=b", "?key=a", "?policy=terms", "?policy=privacy", "?page=2&key=a", ""]
    ids = [identity(f"https://a.org/p{query}") for query in pages]
    assert len(set(ids)) == len(pages)
    assert ids[-1] == "https://a.org/p"
    assert ids[-2].startswith("https://a.org/p?page=2&hidden=")
    assert not any("terms" in each or "key=" in each for each in ids)
    signed = [identity(f"https://a.org/p?X-Amz-Date={n}&X-Amz-Signature={n}&Expires={n}&sig={n}") for n in range(2)]
    assert signed == ["https://a.org/p"] * 2


def test_url_that_was_made_a_path_is_whole_again() -> None:
    assert whole(Path("https://a.org/b/c")) == whole("https://a.org/b/c#d") == "https://a.org/b/c"


@pytest.mark.parametrize(
    ("url", "suffix", "name"),
    [
        ("https://a.org/p.php?x=1", ".html", "https://a.org/p.php.html"),
        ("https://a.org/p.PDF?x=1", ".pdf", "https://a.org/p.PDF"),
        ("https://a.org/p.md", "", "https://a.org/p.md"),
        ("https://a.org/p/", ".html", "https://a.org/p.html"),
    ],
)
def test_name_tells_the_parser(url: str, suffix: str, name: str) -> None:
    assert with_suffix(url, suffix) == name


def test_paths_are_told_from_urls() -> None:
    assert [
        each for each in ("https://a/b", "HTTP://a", "http:/a", "file:///a", "docs/a.md", "httpd.conf") if is_url(each)
    ] == [
        "https://a/b",
        "HTTP://a",
        "http:/a",
    ]
