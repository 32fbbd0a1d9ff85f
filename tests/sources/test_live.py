"""Pages that are read from upstream with a person's own key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_completion, make_key, say
from tests.pages import attributes, element, elements, has, link, message_ids, problems, texts, visible
from tests.upstream import ASKED, FOLLOWING, WORKING, Upstream
from viewer.client.problems import problem_of
from viewer.keys.encryption import Secret
from viewer.keys.models import AccessToken, ApiKey

ONE = "chatcmpl-live-0001"
LONG = "chatcmpl-live-long"


def browse(person: User, upstream: Upstream, mode: str = "ok", **fields: Any) -> ApiKey:
    key = make_key(person, base_url=upstream.base(mode), **fields)
    ApiKey.objects.choose(person, key)
    return key


def page(reader: Client, address: str, status: int = 200, **headers: Any) -> str:
    answer = reader.get(address, **headers)
    assert answer.status_code == status, visible(answer.content.decode())
    return answer.content.decode()


def paths(upstream: Upstream) -> list[str]:
    return [asked["path"].split("/v1", 1)[1] for asked in upstream.asked()]


def test_the_list_comes_through_the_chosen_key(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream)
    seen = page(reader, "/completions/")
    assert ONE in seen
    assert len(upstream.asked()) == 1
    assert upstream.asked()[0]["headers"]["authorization"] == "Bearer sk-good-alice-0001"


@pytest.mark.slow
def test_a_conversation_takes_two_concurrent_requests(reader: Client, alice: User, quiet_upstream: Upstream) -> None:
    browse(alice, quiet_upstream, "slow-1")
    seen = page(reader, f"/completions/{LONG}/")
    assert len(message_ids(seen)) == 20
    assert sorted(paths(quiet_upstream)) == [f"/chat/completions/{LONG}", f"/chat/completions/{LONG}/messages"]
    assert quiet_upstream.busy()["most"] == 2


@pytest.mark.slow
def test_a_chosen_server_that_is_silent_does_not_keep_back_what_the_archive_has(
    reader: Client,
    alice: User,
    upstream: Upstream,
    stored: Callable[..., Any],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored(make_completion(ONE, say("user", "the copy in the archive")))
    key = browse(alice, upstream, "slow-2")
    with monkeypatch.context() as impatient:
        impatient.setattr("viewer.sources.reader._TIMEOUT_BEFORE_ARCHIVE", 0.5)
        settings.UPSTREAM_DEADLINE = 1  # or its question would still be on its way in the tests that follow
        assert "the copy in the archive" in page(reader, f"/completions/{ONE}/")
    settings.UPSTREAM_DEADLINE = 20
    monkeypatch.setattr("viewer.sources.reader._TIMEOUT_BEFORE_ARCHIVE", 20.0)
    ApiKey.objects.filter(pk=key.pk).update(base_url=upstream.base("ok"))
    assert "the copy in the archive" not in page(reader, f"/completions/{ONE}/")


def test_a_key_stays_here_when_its_host_is_not_allowed_any_more(
    reader: Client, alice: User, upstream: Upstream, settings: Any
) -> None:
    key = browse(alice, upstream)
    token = AccessToken.objects.issue(alice, "program", key)[1]
    settings.API_HOSTS = ["api.openai.com"]
    assert "is no longer allowed" in visible(page(reader, "/completions/", 502))
    refused = reader.get("/v1/chat/completions", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, "API_HOSTS" in refused.json()["error"]["message"]) == (503, True)
    told = reader.post(f"/keys/{key.pk}/test/", follow=True)
    assert "API_HOSTS no longer allows the host" in told.content.decode()
    assert upstream.asked() == []


def test_messages_and_answer_are_one_conversation(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream)
    seen = page(reader, f"/completions/{ONE}/")
    shown = ["data-answer" in found.attributes for found in elements(seen, "[data-message-id], [data-answer]")]
    assert shown == [False] * (len(shown) - 1) + [True]
    assert len(shown) > 1


def test_a_server_that_appends_the_answer_does_not_show_it_twice(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream, "appending")
    seen = page(reader, f"/completions/{ONE}/")
    assert len(message_ids(seen)) == 2
    assert not has(seen, "[data-answer]")


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_an_appended_answer_is_not_doubled_in_either_order(
    reader: Client, alice: User, upstream: Upstream, order: str
) -> None:
    browse(alice, upstream, "appending")
    seen = page(reader, f"/completions/chatcmpl-live-0030/?order={order}")
    while address := link(seen, "later" if order == "asc" else "earlier"):
        assert not has(seen, "[data-answer]")
        seen = page(reader, address)
    assert not has(seen, "[data-answer]")


def test_switching_the_source_forgets_the_place_in_the_list(reader: Client, alice: User) -> None:
    answer = reader.post("/keys/choose/", {"key": "", "next": "/completions/?model=a&after=chatcmpl-x"})
    assert answer["Location"] == "/completions/?model=a"


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Chat completion with id chatcmpl-x not found", "not-found"),
        ("cursor 'zzz' not found in completion chatcmpl-x", "bad-request"),
    ],
)
def test_a_server_that_says_400_for_unknown_is_understood(message: str, name: str) -> None:
    assert problem_of(400, {}, json.dumps({"error": {"message": message}}).encode()).name == name


@pytest.mark.parametrize("position", [0, 5000, 9999])
def test_a_permalink_takes_two_requests_at_any_depth(
    reader: Client, alice: User, upstream: Upstream, position: int
) -> None:
    browse(alice, upstream)
    seen = page(reader, f"/completions/{LONG}/messages/{LONG}-{position}/")
    assert f"{LONG}-{position}" in message_ids(seen)
    assert len(upstream.asked()) == 2


def test_ids_that_do_not_count_are_found_by_walking(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream)
    first = page(reader, "/completions/chatcmpl-live-hex/")
    later = link(first, "later")
    assert later
    linked = message_ids(page(reader, later))[10]
    seen = page(reader, f"/completions/chatcmpl-live-hex/messages/{linked}/")
    assert linked in message_ids(seen)
    assert len(message_ids(seen)) == 20


def test_parts_and_raw_come_through_the_key(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream)
    seen = (
        page(reader, "/completions/chatcmpl-live-image/")
        if "chatcmpl-live-image" in page(reader, "/completions/?order=asc") + page(reader, "/completions/")
        else ""
    )
    assert reader.get(attributes(seen, "src", "img")[0])["Content-Type"] == "image/png"
    assert reader.get(f"/completions/{ONE}/raw/").json()["id"] == ONE


def test_what_is_not_in_the_chosen_source_is_found_in_another_and_remembered(
    reader: Client, alice: User, upstream: Upstream, stored: Callable[..., Any]
) -> None:
    stored(make_completion("chatcmpl-kept", say("user", "kept here")))
    browse(alice, upstream, "ok", secret="sk-other-project")
    make_key(alice, "second", base_url=upstream.base("close"))
    assert "Archive" in visible(page(reader, "/completions/chatcmpl-kept/"))
    assert "second" in visible(page(reader, f"/completions/{ONE}/"))
    upstream.forget()
    page(reader, f"/completions/{ONE}/?order=desc")
    # The chosen source is asked two questions at once; one may be noted after the other source's.
    asked = {question["path"].split("/")[1] for question in upstream.asked() if ONE in question["path"]}
    assert asked == {"ok", "close"}


def source_of(page: str) -> str:
    """The source that the page's own requests name."""
    return json.loads(element(page, "body").attributes["hx-headers"] or "")["X-Page-Source"]


def test_a_page_continues_with_the_source_that_it_came_from(
    reader: Client, alice: User, upstream: Upstream, stored: Callable[..., Any]
) -> None:
    stored(make_completion("chatcmpl-kept"), make_completion(LONG, say("user", "another of the same id")))
    key = browse(alice, upstream)
    assert source_of(page(reader, "/completions/")) == str(key.pk)
    from_here = {"HX-Request": "true", "X-Page-Source": str(key.pk)}
    ApiKey.objects.choose(alice, None)  # in another tab
    assert source_of(page(reader, "/completions/")) == "archive"
    assert "chatcmpl-kept" not in page(reader, "/completions/", headers=from_here)
    assert "chatcmpl-kept" not in page(reader, f"/completions/{ONE}/beside/", headers=from_here)
    assert len(message_ids(page(reader, f"/completions/{LONG}/?order=desc", headers=from_here))) == 20
    assert "chatcmpl-kept" in page(reader, "/completions/", headers={"HX-Request": "true"})
    key.delete()
    page(reader, "/completions/", 404, headers=from_here)


@pytest.mark.slow
def test_several_dead_servers_take_the_time_of_one(
    reader: Client, alice: User, quiet_upstream: Upstream, settings: Any
) -> None:
    settings.UPSTREAM_DEADLINE = 1
    for n in range(4):
        make_key(alice, f"dead {n}", base_url=quiet_upstream.base("stalled"))
    assert problems(page(reader, "/completions/chatcmpl-nowhere/", 504)) == ["timeout"]
    assert quiet_upstream.busy()["most"] == 4  # all at a time


def test_a_living_server_is_found_among_dead_ones(
    reader: Client, alice: User, quiet_upstream: Upstream, settings: Any
) -> None:
    settings.UPSTREAM_DEADLINE = 8
    for n in range(3):
        make_key(alice, f"dead {n}", base_url=quiet_upstream.base("stalled"))
    make_key(alice, "living", base_url=quiet_upstream.base())
    assert message_ids(page(reader, f"/completions/{ONE}/"))
    dead = [asked for asked in quiet_upstream.asked() if "/stalled/" in asked["path"]]
    assert dead
    assert quiet_upstream.busy()["now"] >= len(dead)  # none has been waited for to its end


def test_what_the_archive_has_is_not_requested_from_another_key(
    reader: Client, alice: User, upstream: Upstream, stored: Callable[..., Any]
) -> None:
    make_key(alice, base_url=upstream.base())
    stored(make_completion("chatcmpl-kept", say("user", "hi")))
    page(reader, "/completions/chatcmpl-kept/")
    assert upstream.asked() == []


def test_a_new_completion_is_said_to_be_on_its_way(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, "late~x")
    seen = page(reader, f"/completions/{ONE}/", 404)
    assert "not be stored yet" in visible(seen)
    assert texts(seen, f'a[href="/completions/{ONE}/"]') == ["Try again"]
    reader.get(f"/completions/{ONE}/")
    assert message_ids(page(reader, f"/completions/{ONE}/"))


def test_a_server_that_cannot_list_still_opens_by_id(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, "no-list")
    seen = page(reader, "/completions/", 502)
    assert problems(seen) == ["unsupported"]
    assert has(seen, 'form[action="/completions/open/"]')
    assert message_ids(page(reader, f"/completions/{ONE}/"))


def test_a_base_url_without_an_api_leads_to_the_keys(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, "elsewhere")
    seen = page(reader, f"/completions/{ONE}/", 502)
    assert problems(seen) == ["unsupported"]
    assert "Check the base URL of the API key, which usually ends in /v1." in visible(seen)
    assert has(seen, '#main a[href^="/keys/"]')


def test_a_server_that_ignores_metadata_filters_is_caught_at_it(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream, "ignores-metadata")
    seen = visible(page(reader, "/completions/?metadata%5Bticket%5D=nowhere"))
    assert "cannot filter by metadata" in seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("quota", "quota-exhausted"), ("rate-limited-long", "rate-limited"), ("storm", "unavailable"), ("html", "unreadable"),
        ("forbidden", "forbidden"), ("gzip-bomb-40", "too-large"), ("redirect", "unreadable"),
    ],
)  # fmt: skip
def test_a_problem_is_shown_on_the_page_and_in_the_feed(
    reader: Client, alice: User, upstream: Upstream, mode: str, name: str
) -> None:
    browse(alice, upstream, mode)
    for headers in ({}, {"headers": {"HX-Request": "true"}}):
        answer = reader.get(f"/completions/{ONE}/?after={ONE}-3", **headers)
        seen = answer.content.decode()
        assert answer.status_code >= 400
        assert problems(seen) == [name]
        assert "Try again" in visible(seen)


def test_a_long_wait_is_shown_as_a_countdown(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, "rate-limited-long")
    answer = reader.get(f"/completions/{ONE}/?after={ONE}-3", headers={"HX-Request": "true"})
    assert attributes(answer.text, "seconds", "count-down") == ["60"]


@pytest.mark.slow
def test_one_half_is_enough_for_a_page(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, "completion-500")
    seen = page(reader, f"/completions/{ONE}/")
    assert message_ids(seen)
    assert problems(seen) == ["unavailable"]


def test_a_page_read_twice_asks_once(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream)
    page(reader, f"/completions/{ONE}/")
    upstream.forget()
    page(reader, f"/completions/{ONE}/")
    assert upstream.asked() == []


def test_nothing_cached_for_one_key_is_shown_for_another(
    client: Client, alice: User, mallory: User, upstream: Upstream
) -> None:
    browse(alice, upstream)
    browse(mallory, upstream, secret="sk-other-mallory")
    client.force_login(alice)
    assert message_ids(page(client, f"/completions/{ONE}/"))
    asked_by_alice = len(upstream.asked())
    client.force_login(mallory)
    page(client, f"/completions/{ONE}/", 404)
    assert len(upstream.asked()) > asked_by_alice


def test_replacing_the_key_empties_what_was_cached(reader: Client, alice: User, upstream: Upstream) -> None:
    key = browse(alice, upstream)
    page(reader, f"/completions/{ONE}/")
    key.seal(Secret("sk-refused"))
    key.save()
    seen = page(reader, f"/completions/{ONE}/", 502)
    assert problems(seen) == ["invalid-key"]
    assert "Go to your API keys" in visible(seen)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "secret", "said"),
    [
        ("ok", "sk-good-x", "it works"), ("ok", "sk-wrong", "rejected this key"), ("no-list", "sk-good-x", "opening one by its id was not tested"),
        ("reset", "sk-good-x", "is unreachable"), ("html", "sk-good-x", "does not respond like the API"),
    ],
)  # fmt: skip
def test_saving_a_key_says_what_came_of_trying_it(
    reader: Client, upstream: Upstream, mode: str, secret: str, said: str
) -> None:
    answer = reader.post("/keys/", {"label": "x", "key": secret, "base_url": upstream.base(mode)}, follow=True)
    assert said in visible(answer.content.decode())
    assert len([path for path in paths(upstream) if path == "/chat/completions"]) >= 1
    assert ApiKey.objects.count() == 1


def test_the_header_says_where_one_is_reading(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, label="OpenAI team")
    seen = page(reader, "/completions/")
    assert "Source: OpenAI team. Choose another source" in seen
    reader.post("/keys/choose/", {"key": ""})
    assert "Source: Archive. Choose" in page(reader, "/completions/")


def test_a_response_opens_by_its_id_and_leads_to_what_it_continues(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    browse(alice, upstream)
    assert reader.get("/completions/open/", {"id": FOLLOWING})["Location"] == f"/completions/{FOLLOWING}/"
    whole = page(reader, f"/completions/{FOLLOWING}/")
    assert attributes(whole, "href", "[data-came-from] a") == [f"/completions/{ASKED}/"]
    linked = page(reader, f"/completions/{FOLLOWING}/messages/msg_following0010/")
    assert not has(linked, "[data-came-from]")
    above = page(reader, link(linked, "earlier") or "", headers={"HX-Request": "true"})
    assert attributes(above, "href", "[data-came-from] a") == [f"/completions/{ASKED}/"]


def test_what_is_no_longer_there_or_not_yet_is_said(reader: Client, alice: User, upstream: Upstream) -> None:
    browse(alice, upstream, "forbidden", label="without rights")
    assert problems(page(reader, f"/completions/{ASKED}/", 502)) == ["forbidden"]
    browse(alice, upstream)
    assert "The server is still working on it" in page(reader, f"/completions/{WORKING}/")
    ApiKey.objects.filter(label="without rights").delete()
    assert "30 days" in page(reader, "/completions/resp_never/", 404)
