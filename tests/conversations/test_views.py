"""Views, filters and what was seen: the list that people work from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, say
from tests.pages import attributes, completion_ids, element, elements, has, texts, visible
from tests.upstream import LIVE, Upstream
from viewer.archive.models import SeenCompletion, StoredSummary
from viewer.conversations.models import SavedView

Store = Callable[..., Any]
CALL = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FAILED = [
    say("user", "Please help"),
    say("assistant", None, tool_calls=[CALL]),
    say("tool", "Error: no such order", tool_call_id="t"),
]


def opened(reader: Client, address: str, **data: str) -> str:
    answer = reader.get(address, data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def found(reader: Client, query: str) -> list[str]:
    return completion_ids(opened(reader, "/search/", q=query))


@pytest.fixture
def desk(stored: Store) -> None:
    """Four conversations: a failed tool, a refusal, an answer that was cut off, and one of last year."""
    refused = make_choice(None, refusal="I cannot.")
    cut = make_choice("Well, the") | {"finish_reason": "length"}
    stored(
        make_completion("failed", *FAILED, metadata={"customer_id": "cus_1", "channel": "chat"}, created=1_762_000_400),
        make_completion("refused", say("user", "Do it"), choices=[refused], metadata={"customer_id": "cus_1"}),
        make_completion("cut", say("user", "Why?"), choices=[cut], model="o4-mini", metadata={"customer_id": "cus_2"}),
        make_completion("old", say("user", "Hi"), created=1_730_000_000),
    )


def test_a_row_says_how_long_the_conversation_is_and_what_is_inside(reader: Client, desk: None) -> None:
    rows = {
        row.attributes["data-completion-id"]: visible(element(row.html or "", ".row__contents"))
        for row in elements(opened(reader, "/completions/"), "li.row")
    }
    assert rows == {
        "failed": "3 3 messages Tool calls: 1 Tool errors: 1",
        "refused": "1 1 message Refusals: 1",
        "cut": "1 1 message",
        "old": "1 1 message",
    }


def test_an_answer_that_was_cut_off_or_refused_is_marked(reader: Client, desk: None) -> None:
    assert texts(opened(reader, "/completions/"), ".row__answer .chip") == ["Cut off", "Refused"]


def test_the_list_reads_no_messages(reader: Client, desk: None) -> None:
    """What rows show of the messages is known since the import."""
    StoredSummary.objects.filter(completion__completion_id="old").update(question="As it was summarised", messages=77)
    page = visible(opened(reader, "/completions/"))
    assert "As it was summarised" in page
    assert "77 messages" in page


def test_rows_stand_under_their_days(reader: Client, stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", created=1_762_000_000 + n * 40_000) for n in range(4)))
    days = ["Sunday, 2 Nov 2025", "Saturday, 1 Nov 2025"]
    assert texts(opened(reader, "/completions/"), ".day h2") == days
    assert texts(opened(reader, "/search/?q=after:2025"), ".day h2") == days
    assert texts(opened(reader, "/search/?q=after:2025&order=oldest"), ".day h2") == days[::-1]
    assert texts(opened(reader, "/search/?q=You"), ".day h2") == []  # the best first, not by day


def test_views_come_ready_each_with_its_count(reader: Client, desk: None) -> None:
    reader.get("/completions/old/")
    rail = [visible(link) for link in elements(reader.get("/views/").content.decode(), ".rail a")]
    assert rail == [
        "All conversations 4",
        "Not yet seen 3",
        "Tool errors 1",
        "Refusals 1",
        "Cut off 1",
        "Assigned to me 0",
        "Escalated 0",
    ]
    assert texts(opened(reader, "/completions/"), ".list-head__name") == ["All conversations 4 conversations"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("has:error", ["failed"]),
        ("has:refusal", ["refused"]),
        ("has:cut-off", ["cut"]),
        ("meta.customer_id:cus_1 has:refusal", ["refused"]),
        ("before:2025", ["old"]),
        ("after:2025 -meta.customer_id:cus_1", ["cut"]),
        ("model:o4-mini", ["cut"]),
    ],
)
def test_filters_can_be_combined(reader: Client, desk: None, query: str, expected: list[str]) -> None:
    assert found(reader, query) == expected


def test_what_somebody_opened_is_seen_by_them_alone(reader: Client, desk: None) -> None:
    assert len(found(reader, "seen:no")) == 4
    reader.get("/completions/cut/")
    assert found(reader, "seen:yes") == ["cut"]
    assert "cut" not in found(reader, "seen:no")
    page = opened(reader, "/completions/")
    assert "cut" not in attributes(page, "data-completion-id", ".row--new")
    assert texts(page, '[data-completion-id="old"] .row__title') == ["Not yet seen: Hi"]
    other = Client()
    other.force_login(User.objects.create_user("bob"))
    assert len(found(other, "seen:no")) == 4


def test_a_conversation_can_be_marked_as_not_yet_seen(reader: Client, desk: None) -> None:
    reader.get("/completions/cut/")
    assert reader.post("/completions/cut/unseen/")["Location"] == "/completions/"
    assert "cut" in found(reader, "seen:no")


@pytest.mark.parametrize(("query", "left"), [("", 0), ("q=meta.customer_id%3Acus_1", 2), ("q=refund", 4)])
def test_a_whole_list_can_be_marked_as_seen(reader: Client, desk: None, query: str, left: int) -> None:
    answer = reader.post("/seen/", {"list": query}, follow=True)
    assert f"{4 - left} conversations were marked as seen." in visible(answer.content.decode())
    assert len(found(reader, "seen:no")) == left


def test_a_phrase_marks_only_what_it_finds(reader: Client, desk: None) -> None:
    reader.post("/seen/", {"list": 'q="please help"'})
    assert found(reader, "seen:yes") == ["failed"]


def test_the_next_that_was_not_seen_is_in_the_same_list(reader: Client, desk: None) -> None:
    reader.get("/completions/refused/")
    following = reader.get("/completions/failed/next-unseen/", {"q": "after:2025"})["Location"]
    assert following == "/completions/cut/"
    reader.get(following)
    back = reader.get(f"{following}next-unseen/", {"q": "after:2025"})["Location"]
    assert back == "/completions/failed/"  # further up
    reader.get(back)
    answer = reader.get(f"{back}next-unseen/", {"q": "after:2025"}, follow=True)
    assert "You have seen all other conversations in this list." in answer.content.decode()


def test_one_that_is_opened_stays_in_the_list_of_those_not_yet_seen(reader: Client, desk: None) -> None:
    referer = {"Referer": "http://testserver/search/?q=seen:no"}
    page = reader.get("/completions/refused/", headers=referer).content.decode()
    assert visible(element(page, ".side__head")) == "Not yet seen Newest first"
    beside = reader.get("/completions/refused/beside/?q=seen:no", headers={"HX-Request": "true"}).content.decode()
    assert completion_ids(beside) == ["failed", "cut", "refused", "old"]
    assert reader.get("/completions/refused/next/?q=seen:no")["Location"] == "/completions/old/"


def test_a_search_is_saved_for_oneself_or_for_the_team(reader: Client, desk: None, alice: User) -> None:
    reader.post("/views/save/", {"list": "q=has%3Arefusal+meta.customer_id%3Acus_1", "name": "Refused to cus_1"})
    answer = reader.post(
        "/views/save/", {"list": "q=has%3Aerror+after%3A2025", "name": "Failures", "is_shared": "on"}, follow=True
    )
    page = answer.content.decode()
    assert "The view “Failures” was saved." in visible(page)
    assert visible(element(page, "h1")) == "Failures"
    assert texts(page, '.rail [aria-current="page"]') == ["Failures"]
    rail = reader.get("/views/").content.decode()
    assert texts(rail, ".rail section:nth-of-type(2) a") == ["Refused to cus_1 1"]
    assert texts(rail, ".rail section:nth-of-type(3) a") == ["Failures 1"]
    other = Client()
    other.force_login(User.objects.create_user("bob"))
    theirs = other.get("/views/").content.decode()
    assert "Failures" in theirs
    assert "Refused" not in theirs.replace("Refusals", "")


def test_a_name_is_taken_once_and_must_not_be_empty(reader: Client, desk: None, alice: User) -> None:
    SavedView.objects.create(owner=alice, name="Mine", query="q=a")
    for name, said in (("Mine", "You already have a view with this name."), ("", "Enter a name for the view.")):
        answer = reader.post("/views/save/", {"list": "q=b", "name": name})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert said in visible(page)
        assert has(page, 'input[name="list"][value="q=b"]')  # nothing is lost
    assert "has nothing to save" in visible(reader.post("/views/save/", {"name": "x"}, follow=True).content.decode())


def test_a_view_is_replaced_only_if_that_is_asked(reader: Client, desk: None, alice: User) -> None:
    view = SavedView.objects.create(owner=alice, name="Mine", query="q=a", is_shared=True)
    theirs = SavedView.objects.create(owner=User.objects.create_user("bob"), name="Ours", query="q=a", is_shared=True)
    page = reader.post("/views/save/", {"list": "q=has%3Aerror", "name": "Mine"}).content.decode()
    assert visible(element(page, "button[name=replace]")) == "Replace the view"
    assert has(page, "[name=is_shared][checked]")
    reader.post("/views/save/", {"list": "q=has%3Aerror", "name": "Mine", "is_shared": "on", "replace": ""})
    reader.post("/views/save/", {"list": "q=b", "name": "Ours", "replace": ""})
    for one in (view, theirs):
        one.refresh_from_db()
    assert (view.query, view.is_shared, theirs.query) == ("q=has%3Aerror", True, "q=a")
    assert [one.query for one in SavedView.objects.filter(owner=alice)] == ["q=has%3Aerror", "q=b"]


def test_the_page_of_a_name_that_is_taken_leads_back_to_the_list(reader: Client, desk: None) -> None:
    reader.get("/completions/failed/", headers={"Referer": "http://testserver/search/?q=has:error"})
    assert reader.get("/views/save/")["Location"] == "/search/?q=has%3Aerror"  # as after a change of language


def test_views_of_the_team_with_the_same_name_say_whose_they_are(reader: Client, desk: None, alice: User) -> None:
    for owner in (alice, User.objects.create_user("bob", first_name="Bob", last_name="Ray")):
        SavedView.objects.create(owner=owner, name="Errors", query="q=has%3Aerror", is_shared=True)
    SavedView.objects.create(owner=alice, name="Chat", query="q=meta.channel%3Achat", is_shared=True)
    rail = reader.get("/views/").content.decode()
    assert texts(rail, ".rail section:nth-of-type(2) a") == ["Chat 1", "Errors alice 1", "Errors Bob Ray 1"]


def test_every_view_has_a_count_or_says_why_not(reader: Client, desk: None, alice: User) -> None:
    for name, query in (("1", "metadata%5Bcustomer_id%5D=cus_1"), ("2", "q=%22please+help%22"), ("3", "model=o4-mini")):
        SavedView.objects.create(owner=alice, name=name, query=query)
    rail = reader.get("/views/").content.decode()
    assert texts(rail, ".rail section:nth-of-type(2) a") == ["1 2", "2", "3 1"]
    assert attributes(rail, "title", ".rail a") == ["To count these, all their messages would have to be read."]


def test_a_view_is_renamed_shared_and_deleted(reader: Client, alice: User) -> None:
    view = SavedView.objects.create(owner=alice, name="Mine", query="q=a")
    page = opened(reader, "/search/?q=a")
    assert attributes(page, "href", ".list-filters__actions a") == [f"/views/{view.pk}/"]
    reader.post(f"/views/{view.pk}/", {"name": "Ours", "is_shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Ours", True)
    asked = opened(reader, f"/views/{view.pk}/delete/")
    assert visible(element(asked, "h1")) == "Delete “Ours”?"
    assert "The view disappears for the whole team." in visible(asked)
    assert "belongs to" not in visible(asked)
    assert SavedView.objects.exists()
    assert reader.post(f"/views/{view.pk}/delete/")["Location"] == "/search/?q=a"
    assert not SavedView.objects.exists()


def test_an_administrator_may_change_views_of_the_team_and_no_others(alice: User) -> None:
    private, shared = (
        SavedView.objects.create(owner=alice, name=f"{number}", query="q=a", is_shared=bool(number))
        for number in (0, 1)
    )
    staff = Client()
    staff.force_login(User.objects.create_superuser("root"))
    assert staff.get(f"/views/{private.pk}/").status_code == 404
    assert staff.get(f"/views/{private.pk}/delete/").status_code == 404
    for address in (f"/views/{shared.pk}/", f"/views/{shared.pk}/delete/"):
        assert "This view belongs to alice." in visible(opened(staff, address))
    assert staff.post(f"/views/{shared.pk}/", {"name": "Better"}).status_code == 302


def test_the_panel_offers_stored_values_with_counts(reader: Client, desk: None) -> None:
    page = opened(reader, "/filters/")
    groups = {
        texts(group.html or "", "h3")[0]: [visible(link) for link in elements(group.html or "", "a")]
        for group in elements(page, ".choices__group")
    }
    assert groups["customer_id"] == ["cus_1 2 2 conversations", "cus_2 1 1 conversation"]
    assert groups["channel"] == ["chat 1 1 conversation"]
    assert groups["Model"] == ["gpt-4.1 3 3 conversations", "o4-mini 1 1 conversation"]
    assert "Tool errors 1 1 conversation" in groups["Contains"]
    assert groups["Seen"] == ["Not yet seen", "Seen by me"]
    assert groups["Date"] == ["Today", "Last 7 days", "Last 30 days"]


def test_a_choice_adds_to_the_filters_and_counts_within_them(reader: Client, desk: None) -> None:
    page = opened(reader, "/filters/", q="has:refusal", order="oldest")
    choice = next(link for link in elements(page, ".choices__group a") if visible(link).startswith("cus_1"))
    assert visible(choice) == "cus_1 1 1 conversation"
    query = parse_qs(urlsplit(choice.attributes["href"] or "").query)
    assert query == {"q": ["has:refusal meta.customer_id:cus_1"], "order": ["oldest"]}
    assert "cus_2" not in visible(page)  # nothing would be left


def test_the_panel_says_of_which_keys_there_are_more_values(reader: Client, stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", metadata={"ticket": f"T-{n}", "tier": f"{n % 5}"}) for n in range(6)))
    groups = {
        texts(group.html or "", "h3")[0]: group.html or ""
        for group in elements(opened(reader, "/filters/"), ".choices__group")
    }
    assert texts(groups["ticket"], "p") == ["There are more. Type to find them."]
    assert not has(groups["tier"], "p")


def test_typing_finds_values_of_every_key(reader: Client, desk: None) -> None:
    for text, expected in (("S_2", "cus_2"), ("cha", "chat"), ("mini", "o4-mini"), ("refus", "Refusals")):
        page = reader.get("/filters/", {"text": text}, headers={"HX-Request": "true"}).content.decode()
        assert [visible(link).split(" ")[0] for link in elements(page, "a")] == [expected]
    assert "No stored value contains this." in opened(reader, "/filters/", text="zebra")


def test_days_of_the_form_are_both_in_the_list(reader: Client, desk: None) -> None:
    answer = reader.get("/filters/", {"q": "has:error", "from": "2025-11-01", "to": "2025-11-01"})
    query = parse_qs(urlsplit(answer["Location"]).query)["q"][0]
    assert query == "has:error after:2025-11-01 before:2025-11-02"
    assert found(reader, query) == ["failed"]
    assert reader.get("/filters/", {"from": "", "to": "nonsense"})["Location"] == "/completions/"


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        ("after:2025-11-01", ["2025-11-01", ""]),
        ("after:2025 before:2025-02", ["2025-01-01", "2025-01-31"]),
        ("after:0001 before:0001", ["0001-01-01", ""]),
    ],
)
def test_dates_can_be_completed_and_changed(reader: Client, desk: None, dates: str, shown: list[str]) -> None:
    given = {"q": f"refund {dates} has:error", "order": "oldest"}
    page = opened(reader, "/filters/", **given)
    assert attributes(page, "value", "[type=date]") == shown
    (week,) = (one for one in elements(page, ".choices__group a") if visible(one) == "Last 7 days")
    query = parse_qs(urlsplit(week.attributes["href"] or "").query)["q"][0]
    assert query == "refund has:error after:7d"
    answer = reader.get("/filters/", {**given, "from": "2025-11-01", "to": "2025-11-02"})
    query = parse_qs(urlsplit(answer["Location"]).query)["q"][0]
    assert query == "refund has:error after:2025-11-01 before:2025-11-03"


@pytest.mark.parametrize(
    ("address", "cleared"),
    [
        ('/search/?q=refund has:error "so late" -after:2026&order=best', "/search/?q=refund+%22so+late%22&order=best"),
        ("/search/?q=seen:no has:error&order=oldest", "/completions/?order=oldest"),
        ("/customers/cus_1/", "/completions/"),
    ],
)
def test_clearing_the_filters_keeps_the_words(reader: Client, desk: None, address: str, cleared: str) -> None:
    caches["guesses"].clear()  # of which key names customers
    page = opened(reader, address)
    (link,) = (one for one in elements(page, ".list-filters a") if visible(one) == "Clear filters")
    assert parse_qs(urlsplit(link.attributes["href"]).query) == parse_qs(urlsplit(cleared).query)
    assert urlsplit(link.attributes["href"]).path == urlsplit(cleared).path


def test_the_oldest_come_first_if_asked(reader: Client, desk: None) -> None:
    page = opened(reader, "/search/", q="after:2024", order="oldest")
    assert completion_ids(page) == ["old", "refused", "cut", "failed"]
    assert reader.get("/completions/old/next/?q=after:2024&order=oldest")["Location"] == "/completions/refused/"


def test_what_was_seen_goes_with_the_person(reader: Client, desk: None, alice: User) -> None:
    reader.get("/completions/old/")
    alice.delete()
    assert not SeenCompletion.objects.exists()


@pytest.fixture
def live(alice: User, upstream: Upstream) -> list[str]:
    """A server's list is chosen; the ids that it lists first."""
    make_key(alice, base_url=upstream.base(), is_chosen=True)
    return LIVE[:3]


def test_a_list_of_another_server_knows_what_was_seen(reader: Client, live: list[str]) -> None:
    assert attributes(opened(reader, "/completions/"), "data-completion-id", ".row--new")[:3] == live
    reader.get(f"/completions/{live[1]}/")
    assert live[1] not in attributes(opened(reader, "/completions/"), "data-completion-id", ".row--new")
    assert reader.get(f"/completions/{live[0]}/next-unseen/")["Location"] == f"/completions/{live[2]}/"


def test_the_panel_says_what_the_api_of_another_server_can_filter(
    reader: Client, live: list[str], upstream: Upstream
) -> None:
    page = opened(reader, "/filters/")
    assert "filters by model and metadata, and only by whole values" in visible(page)
    assert texts(page, ".filter-form label span") == ["Model", "Metadata key", "Value"]
    assert not has(opened(reader, "/completions/"), 'form[action="/seen/"]')  # would read the whole server
    asked = reader.get("/completions/", {"model": "gpt-4.1", "key": "team", "value": "x"})["Location"]
    assert asked == "/completions/?model=gpt-4.1&metadata%5Bteam%5D=x"
    assert reader.get(asked).status_code == 200  # asks the server, not the archive


@pytest.mark.parametrize("query", ["q=!!!", "q=after%3Agarbage", "q=role%3Aall", "q=has%3Anonsense"])
def test_a_list_that_shows_nothing_marks_nothing(reader: Client, desk: None, query: str) -> None:
    assert not has(opened(reader, f"/search/?{query}"), 'form[action="/seen/"]')
    answer = reader.post("/seen/", {"list": query}, follow=True)
    assert "This list cannot be marked as seen as a whole." in visible(answer.content.decode())
    assert len(found(reader, "seen:no")) == 4


def test_a_list_of_another_server_marks_nothing_in_the_archive(reader: Client, desk: None, live: list[str]) -> None:
    for query in ("", "model=gpt-4.1"):
        reader.post("/seen/", {"list": query})
    assert len(found(reader, "seen:no")) == 4


def test_one_goes_back_to_what_was_read_from_the_list_of_those_not_yet_seen(reader: Client, desk: None) -> None:
    reader.get("/search/?q=seen:no")
    for completion_id in ("failed", "cut", "refused"):
        reader.get(f"/completions/{completion_id}/")
    assert reader.get("/completions/refused/previous/?q=seen:no")["Location"] == "/completions/cut/"
    assert reader.get("/completions/cut/next-unseen/?q=seen:no")["Location"] == "/completions/old/"  # and not these


def test_a_view_stays_itself_in_another_order_and_with_filters_of_the_api(
    reader: Client, desk: None, alice: User
) -> None:
    page = opened(reader, "/search/", q="has:error", order="oldest")
    assert texts(page, '.rail [aria-current="page"]') == ["Tool errors"]
    view = SavedView.objects.create(owner=alice, name="Of cus_1", query="metadata%5Bcustomer_id%5D=cus_1")
    page = opened(reader, view.url)
    assert texts(page, '.rail [aria-current="page"]') == ["Of cus_1"]
    assert has(page, f'a[href="/views/{view.pk}/"]')


def test_a_server_that_is_browsed_has_no_count(reader: Client, desk: None, live: list[str]) -> None:
    rail = [visible(link) for link in elements(reader.get("/views/").content.decode(), ".rail a")]
    assert rail[:2] == ["All conversations", "Not yet seen 4"]


@pytest.mark.parametrize("value", ["VIP*", "meta.foo bar", "two  spaces", "a\nb", 'say "hi"', "-x", "a:b", ""])
def test_a_choice_finds_the_value_that_it_shows(reader: Client, stored: Store, value: str) -> None:
    stored(
        make_completion("wanted", metadata={"tier level": value}),
        make_completion("other", metadata={"tier level": f"{value or 'x'}-more"}),
    )
    answer = reader.get("/completions/", {"metadata[tier level]": value}, follow=True)
    assert completion_ids(answer.content.decode()) == ["wanted"]


def test_umlauts_are_found_in_both_cases_and_old_values_exactly(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_completion("c-1", metadata={"name": "MÜLLER"}), make_completion("c-2", metadata={"name": "Zoe"}))
    page = reader.get("/filters/", {"text": "müller"}, headers={"HX-Request": "true"}).content.decode()
    assert [visible(link).split()[0] for link in elements(page, "a")] == ["MÜLLER"]
    monkeypatch.setattr("viewer.archive.search.values._MAX_NEWEST", 1)
    page = reader.get("/filters/", {"text": "MÜLLER"}, headers={"HX-Request": "true"}).content.decode()
    assert [visible(link).split()[0] for link in elements(page, "a")] == ["MÜLLER"]
    page = reader.get("/filters/", {"text": "LLER"}, headers={"HX-Request": "true"}).content.decode()
    assert "None of these values contains this." in visible(page)
    assert "the newest 1 conversations" in visible(page)
