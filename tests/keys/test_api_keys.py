from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
import requests
from django import forms
from django.contrib.auth.models import User
from django.test import Client

from tests.keys.secrets import CANARY, make_key
from tests.pages import attributes, has, problems, texts, visible
from viewer.deployment.api_hosts import read_entries
from viewer.keys.forms import read_base_url
from viewer.keys.models import AccessToken, ApiKey

DEAD = "http://127.0.0.1:9/v1"  # the discard port: nothing listens
HOSTS = read_entries(
    "api.openai.com, 127.0.0.1, 127.0.0.1:9, .openai.azure.com, gw.example:8443, [::1]:8113, http://ollama:11434"
)


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.API_HOSTS = HOSTS


@pytest.mark.slow
def test_a_key_is_saved_even_when_its_server_is_not_reachable_and_never_shown_again(
    reader: Client, alice: User
) -> None:
    answer = reader.post("/keys/", {"label": "work", "key": CANARY, "base_url": DEAD}, follow=True)
    page = answer.content.decode()
    (notice,) = texts(page, '.notice--warn.notice--page[role="status"]:has(.icon-alert)')
    assert "unreachable at the moment" in notice
    assert f"…{CANARY[-4:]}" in visible(page)
    assert CANARY not in page
    key = ApiKey.objects.get()
    assert key.owner == alice
    assert key.open().reveal() == CANARY
    for address in ("/keys/", f"/keys/{key.pk}/"):
        assert CANARY not in reader.get(address).content.decode()


def test_a_form_that_is_refused_does_not_send_the_key_back(reader: Client) -> None:
    answer = reader.post("/keys/", {"label": "", "key": CANARY, "base_url": DEAD})
    assert answer.status_code == 422
    assert CANARY not in answer.content.decode()
    assert "Enter a label, to tell" in answer.content.decode()


@pytest.mark.slow
def test_renaming_keeps_the_key_and_replacing_changes_it(reader: Client, alice: User) -> None:
    key = make_key(alice, base_url=DEAD)
    reader.post(f"/keys/{key.pk}/", {"label": "renamed", "key": "", "base_url": DEAD})
    renamed = ApiKey.objects.get()
    assert (renamed.label, renamed.open().reveal(), renamed.version) == ("renamed", CANARY, key.version)
    reader.post(f"/keys/{key.pk}/", {"label": "renamed", "key": "sk-second", "base_url": DEAD})
    replaced = ApiKey.objects.get()
    assert replaced.open().reveal() == "sk-second"
    assert replaced.version != key.version


@pytest.mark.slow
@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.1/v1", "http://127.0.0.1:9/v2", "https://api.openai.com/v1", "https://127.0.0.1/v1"]
)
def test_a_key_goes_to_no_other_address_than_the_one_it_was_saved_for(
    reader: Client, alice: User, elsewhere: str
) -> None:
    key = make_key(alice, base_url=DEAD)
    with patch("requests.adapters.HTTPAdapter.send", side_effect=AssertionError("something was sent")):
        answer = reader.post(f"/keys/{key.pk}/", {"label": "work", "key": "", "base_url": elsewhere})
    assert answer.status_code == 422
    assert "Paste the API key that belongs to it" in answer.content.decode()
    assert ApiKey.objects.get().base_url == DEAD
    with patch("requests.adapters.HTTPAdapter.send", side_effect=requests.ConnectionError) as sent:
        reader.post(f"/keys/{key.pk}/", {"label": "work", "key": "sk-for-elsewhere", "base_url": elsewhere})
    assert sent.called
    assert (ApiKey.objects.get().base_url, ApiKey.objects.get().open().reveal()) == (elsewhere, "sk-for-elsewhere")


@pytest.mark.slow
def test_organization_and_project_change_without_the_key(reader: Client, alice: User) -> None:
    key = make_key(alice, base_url=DEAD)
    change = {"label": "work", "key": "", "base_url": f"{DEAD}/", "organization": "org-1", "project": "proj_1"}
    assert reader.post(f"/keys/{key.pk}/", change).status_code == 302
    changed = ApiKey.objects.get()
    assert (changed.organization, changed.project, changed.open().reveal()) == ("org-1", "proj_1", CANARY)


@pytest.mark.parametrize("pasted", [f'"{CANARY}"', f"'{CANARY}'", f"“{CANARY}”", f" {CANARY}\n", f"`{CANARY}`"])
def test_quotes_around_a_pasted_key_are_left_out(reader: Client, pasted: str) -> None:
    reader.post("/keys/", {"label": "work", "key": pasted, "base_url": DEAD})
    assert ApiKey.objects.get().open().reveal() == CANARY


def test_what_describes_a_field_is_there(reader: Client) -> None:
    for answer in (reader.get("/keys/"), reader.post("/keys/", {"label": "", "key": "", "base_url": "x"})):
        page = answer.content.decode()
        described = " ".join(attributes(page, "aria-describedby")).split()
        assert described
        assert set(described) <= set(attributes(page, "id"))
        assert has(page, 'input[name="key"][autocomplete="new-password"]')


def test_one_source_is_chosen_at_a_time(reader: Client, alice: User) -> None:
    first, second = make_key(alice, "first"), make_key(alice, "second")
    reader.post("/keys/choose/", {"key": first.pk})
    answer = reader.post("/keys/choose/", {"key": second.pk, "next": "/completions/x/"})
    assert answer["Location"] == "/completions/x/"
    assert ApiKey.objects.get(is_chosen=True) == second
    reader.post("/keys/choose/", {"key": ""})
    assert not ApiKey.objects.filter(is_chosen=True).exists()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_choosing_never_leads_off_this_site(reader: Client, alice: User, elsewhere: str) -> None:
    assert reader.post("/keys/choose/", {"key": "", "next": elsewhere})["Location"] == "/completions/"


def test_deleting_takes_the_bound_tokens_along(reader: Client, alice: User) -> None:
    key = make_key(alice)
    AccessToken.objects.issue(alice, "bound", key)
    AccessToken.objects.issue(alice, "archive")
    asked = reader.get(f"/keys/{key.pk}/delete/").text
    assert texts(asked, "main li") == ["bound"]
    assert ApiKey.objects.exists()
    reader.post(f"/keys/{key.pk}/delete/")
    assert [token.name for token in AccessToken.objects.all()] == ["archive"]


def test_nobody_reaches_the_key_of_another(client: Client, alice: User, mallory: User) -> None:
    key = make_key(alice, "alices own")
    client.force_login(mallory)
    assert "alices own" not in client.get("/keys/").content.decode()
    for address in (f"/keys/{key.pk}/", f"/keys/{key.pk}/test/", f"/keys/{key.pk}/delete/"):
        assert client.post(address, {"label": "mine"}).status_code == 404
    assert client.get(f"/keys/{key.pk}/").status_code == 404
    assert client.post("/keys/choose/", {"key": key.pk}).status_code == 404
    answer = client.post("/tokens/", {"name": "x", "source": key.pk})
    assert answer.status_code == 422
    assert ApiKey.objects.get().label == "alices own"
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        (" https://api.openai.com/v1/ ", "https://api.openai.com/v1"),
        ("https://api.openai.com:443/v1", "https://api.openai.com:443/v1"),
        ("http://127.0.0.1/v1", "http://127.0.0.1/v1"),
        ("https://gw.example:8443/v1", "https://gw.example:8443/v1"),
        ("http://[::1]:8113/v1", "http://[::1]:8113/v1"),
        ("http://[0:0:0:0:0:0:0:1]:8113/v1", "http://[0:0:0:0:0:0:0:1]:8113/v1"),
        ("http://ollama:11434/v1", "http://ollama:11434/v1"),
        ("https://desk.openai.azure.com/openai/v1", "https://desk.openai.azure.com/openai/v1"),
    ],
)
def test_allowed_addresses_are_kept(settings: Any, given: str, kept: str) -> None:
    settings.API_HOSTS = HOSTS
    assert read_base_url(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "api.openai.com/v1", "ftp://api.openai.com", "http://api.openai.com/v1", "https://evil.example/v1",
        "https://api.openai.com@evil.example/v1", "https://user:pw@api.openai.com/v1", "https://api.openai.com.evil.example/v1",
        "https://api.openai.com/v1?x=1", "https://api.openai.com/v1#x", "https://api.openai.com/v1?", "https://169.254.169.254/",
        "https://api.openai.com\\@evil.example/", "https://аpi.openai.com/v1", "https://[::ffff:127.0.0.1]/v1", "https://2130706433/",
        "http://127.0.0.1.nip.example/v1", "https://api.openai.com:99999/", "https://", "javascript:alert(1)", "//api.openai.com/v1",
        "https://evilopenai.azure.com/", "file:///etc/passwd", "https://openai.azure.com/", "https://@api.openai.com/v1",
        "https://api.openai.com/\nv1", "https://api.\topenai.com/v1", "https://api.openai.com:8443/v1", "http://127.0.0.1:22/v1",
        "https://gw.example/v1", "http://gw.example:8443/v1", "http://[::1]:8114/v1", "https://ollama:11434/v1", "http://ollama/v1",
        "http://ollama.evil.example:11434/v1", "https://api.openai.com./v1",
        "https://evil.example%2f.openai.azure.com/", "https://evil.example%00.openai.azure.com/", "https://evil.example,.openai.azure.com/",
        "https://.openai.azure.com/", "https://a..openai.azure.com/", "https://-.openai.azure.com/",
    ],
)  # fmt: skip
def test_a_key_goes_nowhere_else(settings: Any, given: str) -> None:
    settings.API_HOSTS = HOSTS
    with pytest.raises(forms.ValidationError):
        read_base_url(given)


def test_a_key_with_blanks_or_strange_characters_is_refused(reader: Client) -> None:
    for key in ("sk-a b", "sk-\u00e9", "sk-\na: b"):
        assert reader.post("/keys/", {"label": "x", "key": key, "base_url": DEAD}).status_code == 422
    assert not ApiKey.objects.exists()


def test_a_missing_master_key_is_a_clear_problem_and_nothing_is_sent(
    reader: Client, alice: User, settings: Any
) -> None:
    key = make_key(alice, base_url=DEAD)
    ApiKey.objects.choose(alice, key)
    settings.KEY_ENCRYPTION_KEYS = ["A" * 43 + "="]
    with patch("requests.adapters.HTTPAdapter.send", side_effect=AssertionError("something was sent")):
        page = reader.get("/completions/").content.decode()
    assert problems(page) == ["invalid-key"]
    assert "master key" in visible(page)
