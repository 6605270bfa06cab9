from __future__ import annotations

from urllib.parse import quote

import pytest
from headway.secrets import Secrets

HARD = "p%a@s:s/w#o?r d'\"\\é"


def learned(*urls: str) -> Secrets:
    secrets = Secrets()
    for url in urls:
        secrets.learn(url)
    return secrets


@pytest.mark.parametrize(
    "text",
    [
        HARD,
        quote(HARD, safe=""),
        quote(HARD, safe="").replace("%", "%%"),
        repr(HARD),
        f"could not parse 'postgresql://u:{HARD}@h/db'",
        f"postgresql://u:{quote(HARD, safe='')}@h/db",
        f"connection string is user=u password='{HARD}'",
    ],
)
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{HARD}@h/db",
        f"postgresql://u:{quote(HARD, safe='')}@h/db",
        f"postgresql://u:{quote(HARD, safe='').replace('%', '%%')}@h/db",
    ],
)
def test_a_password_is_hidden_however_it_is_written(url: str, text: str) -> None:
    cleaned = learned(url).clean(text)
    assert "***" in cleaned
    for part in ("p%a", "p%25a", "s:s/w", "w%23o", "r d"):
        assert part not in cleaned


def test_a_url_nobody_told_about_is_hidden_too() -> None:
    assert Secrets().clean("no route to postgresql://u:s3@cr@t@h:5432/db") == (
        "no route to postgresql://u:***@h:5432/db"
    )


def test_a_password_in_the_query_is_hidden() -> None:
    url = "postgresql:///db?host=/run&password=s3cret-one&user=u"
    assert "s3cret-one" not in learned(url).clean(f"{url} and s3cret-one alone")


def test_a_password_that_is_a_name_too_is_hidden_in_urls_only() -> None:
    url = "postgresql://postgres:postgres@h/app"
    assert learned(url).clean(f'role "postgres" of {url}') == (
        'role "postgres" of postgresql://postgres:***@h/app'
    )


def test_a_short_password_leaves_revision_ids_alone() -> None:
    secrets = learned("postgresql://u:1a2b@h/db")
    assert secrets.clean({"current": ["1a2b3c4d5e"]}) == {"current": ["1a2b3c4d5e"]}


def test_variables_with_the_name_of_a_secret_are_hidden_and_others_not() -> None:
    secrets = Secrets()
    secrets.learn_environment(
        {
            "PGPASSWORD": "hush-hush",
            "SENTRY_TOKEN": "tok-tok",
            "MODE": "production",
            "HOME": "/root",
        }
    )
    assert secrets.clean("hush-hush tok-tok production /root") == "*** *** production /root"


def test_results_are_cleaned_at_any_depth() -> None:
    secrets = learned("postgresql://u:s3cret@h/db")
    assert secrets.clean({"log": ["s3cret", {"x": ("s3cret", 1, None)}]}) == {
        "log": ["***", {"x": ["***", 1, None]}]
    }
