"""Notes on a conversation: who writes, sees, edits and deletes them, and whom they mention."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import NOBODY, make_completion, make_key, make_long, save, say
from tests.pages import attributes, element, elements, has, problems, texts, visible
from tests.upstream import Upstream
from viewer.review.models import Mention, Note

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
PLACES = {"": "", "messages/chatcmpl-one-1/": "chatcmpl-one-1", "choices/0/": "choices/0"}


@pytest.fixture
def conversation(stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Where is my parcel?"), say("assistant", "On its way.")))


@pytest.fixture
def bobs(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def write(client: Client, text: str, place: str = "", **headers: str) -> Any:
    return client.post(f"{ONE}{place}note/", {"text": text}, headers=headers)


def opened(client: Client, address: str = ONE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@pytest.mark.parametrize(("address", "place"), PLACES.items())
def test_a_note_stands_at_its_place_for_everyone_who_may_read_it(
    reader: Client, bobs: Client, conversation: None, address: str, place: str
) -> None:
    answer = write(reader, "Refund\nis due", address)
    note = Note.objects.get()
    assert answer["Location"] == f"{ONE}{address}#note-{note.pk}"
    for client in (reader, bobs):
        aside = next(one for one in elements(opened(client), "[data-notes]") if has(one, ".note"))
        assert aside.attributes["data-notes"] == place
        assert element(aside, ".note__text").text() == "Refund\nis due"
        assert texts(aside, ".note__head b") == ["alice"]
    if place:
        before = element(opened(reader), f'[data-notes="{place}"]').prev
        while before.tag == "-text":
            before = before.prev
        assert place in (before.attributes.get("data-message-id"), f"choices/{before.attributes.get('data-choice')}")


def test_a_note_is_no_markup_and_loads_and_hides_nothing(reader: Client, conversation: None) -> None:
    write(reader, "<img src=https://evil.example/a.png> <b>x</b> https://evil.example \u202egpj")
    aside = element(opened(reader), '[data-notes=""]')
    assert not has(aside, ".note__text :is(img, b, a)")
    assert "<img src=https://evil.example/a.png> <b>x</b> https://evil.example [U+202E]gpj" in visible(aside)


def test_only_its_author_edits_and_deletes_a_note(reader: Client, bobs: Client, conversation: None) -> None:
    write(reader, "first")
    note = Note.objects.get()
    url = f"{ONE}notes/{note.pk}/"
    assert has(opened(reader), f'a[href="{url}"]')
    assert not has(opened(bobs), f'a[href^="{url}"]')
    for method in (bobs.get, bobs.post):
        for address in (url, f"{url}delete/"):
            assert method(address, {"text": "mine", "version": "first"}).status_code == 404
    reader.post(url, {"text": "second", "version": "first"})
    page = opened(bobs)
    assert "second" in visible(page)
    assert "edited" in texts(page, ".note__head span")
    assert has(reader.get(f"{url}delete/").content.decode(), f'form[action="{url}delete/"] button')
    assert Note.objects.exists()
    assert reader.post(f"{url}delete/")["Location"] == ONE
    assert not has(opened(bobs), ".note")


def test_what_was_edited_elsewhere_is_not_replaced_unasked(reader: Client, conversation: None) -> None:
    write(reader, "first")
    url = f"{ONE}notes/{Note.objects.get().pk}/"
    reader.post(url, {"text": "of the other tab", "version": "first"})
    answer = reader.post(url, {"text": "of this tab", "version": "first"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "edited elsewhere" in visible(page)
    assert "of the other tab" in texts(page, ".note__text")
    assert element(page, "textarea").text().strip() == "of this tab"
    version = element(page, "input[name=version]").attributes["value"]
    assert reader.post(url, {"text": "of this tab", "version": version}).status_code == 302
    assert Note.objects.get().text == "of this tab"


def test_what_was_typed_for_a_note_that_was_deleted_elsewhere_is_kept(reader: Client, conversation: None) -> None:
    answer = reader.post(f"{ONE}notes/99/", {"text": "typed for long", "version": "first"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "deleted elsewhere" in visible(page)
    assert element(page, "textarea").text().strip() == "typed for long"
    assert element(page, "form.note-form").attributes["action"] == f"{ONE}note/"


@pytest.mark.parametrize(
    ("text", "says"), [("é" * 4001, "4001 characters, and at most 4000"), (" \n", "Write something")]
)
def test_what_cannot_be_saved_is_said_and_kept(reader: Client, conversation: None, text: str, says: str) -> None:
    answer = write(reader, text)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert problems(page) == ["note"]
    assert says in visible(page)
    assert element(page, "textarea").text().strip() == text.strip()
    assert not Note.objects.exists()


def test_line_breaks_count_once_towards_the_limit(reader: Client, conversation: None) -> None:
    assert write(reader, "x\r\n" * 2000).status_code == 302


def test_what_was_typed_is_kept_while_the_server_fails_and_nothing_of_others_is_shown(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    make_key(alice, base_url=f"http://{NOBODY}/v1", is_chosen=True)
    Note.objects.create(completion_id="chatcmpl-live", place="", text="a secret")
    for address in ("note/", "messages/chatcmpl-live-0/note/"):
        answer = reader.post(f"/completions/chatcmpl-live/{address}", {"text": "typed for long"})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "Not saved." in visible(page)
        assert element(page, "textarea").text().strip() == "typed for long"
        assert "a secret" not in page
    assert Note.objects.count() == 1
    own = Note.objects.create(completion_id="chatcmpl-live", place="", author=alice, text="first")
    url = f"/completions/chatcmpl-live/notes/{own.pk}/"
    page = reader.post(url, {"text": "second", "version": "first"}).content.decode()
    assert element(page, "form.note-form").attributes["action"] == url
    assert attributes(page, "value", ".note-form [name=version]") == ["first"]


@pytest.mark.parametrize("address", ["note/", "messages/chatcmpl-two-0/note/", "choices/0/note/"])
def test_notes_of_a_conversation_that_cannot_be_read_are_neither_shown_nor_written(
    reader: Client, db: None, address: str
) -> None:
    Note.objects.create(completion_id="chatcmpl-two", place="", text="a secret")
    for answer in (
        reader.get(f"/completions/chatcmpl-two/{address}"),
        reader.post(f"/completions/chatcmpl-two/{address}", {"text": "x"}),
        reader.get(f"/completions/chatcmpl-two/{address}", headers={"HX-Request": "true"}),
    ):
        assert answer.status_code == 404
        assert "a secret" not in answer.content.decode()
    assert Note.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_whoever_can_no_longer_read_a_conversation_deletes_their_note_and_sees_none_of_others(
    reader: Client, alice: User, db: None, headers: dict[str, str]
) -> None:
    own = Note.objects.create(completion_id="chatcmpl-two", place="", author=alice, text="my own")
    Note.objects.create(completion_id="chatcmpl-two", place="", text="a secret")
    address = f"/completions/chatcmpl-two/notes/{own.pk}/delete/"
    asked, done = reader.get(address, headers=headers), reader.post(address, headers=headers)
    assert "my own" in asked.text
    assert "a secret" not in asked.text + done.text
    assert Note.objects.get().text == "a secret"


@pytest.mark.parametrize("address", ["messages/chatcmpl-one-9/note/", "choices/5/note/"])
def test_a_place_that_the_conversation_does_not_have_takes_no_note(
    reader: Client, conversation: None, address: str
) -> None:
    assert reader.post(f"{ONE}{address}", {"text": "x"}).status_code == 404


def test_for_htmx_the_notes_of_the_place_come_alone(reader: Client, conversation: None) -> None:
    write(reader, "on another place")
    page = write(reader, "here", "messages/chatcmpl-one-1/", **{"HX-Request": "true"}).content.decode()
    assert not has(page, "main")
    assert texts(page, ".note__text") == ["here"]
    assert not has(page, "form")


def test_a_page_costs_the_same_queries_however_many_notes_there_are(
    reader: Client, alice: User, stored: Store, django_assert_num_queries: Any
) -> None:
    stored(make_long("chatcmpl-one", 60))
    opened(reader)
    Note.objects.create(completion_id="chatcmpl-one", place="chatcmpl-one-1", author=alice, text="one")
    with django_assert_num_queries(len(_queries_of_a_page(reader))):
        opened(reader)
    count = len(_queries_of_a_page(reader))
    Note.objects.bulk_create(
        Note(completion_id="chatcmpl-one", place=f"chatcmpl-one-{n}", author=alice, text="x") for n in range(60)
    )
    assert len(_queries_of_a_page(reader)) == count


def _queries_of_a_page(reader: Client) -> list[Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        opened(reader)
    return [*asked]


def test_notes_further_on_are_announced_at_the_top(reader: Client, alice: User, stored: Store) -> None:
    stored(make_long("chatcmpl-one", 60))
    note = Note.objects.create(completion_id="chatcmpl-one", place="chatcmpl-one-50", author=alice, text="far")
    page = opened(reader)
    assert attributes(page, "href", ".notes__places a") == [f"{ONE}messages/chatcmpl-one-50/#note-{note.pk}"]
    assert texts(page, ".notes__places a") == ["#50"]
    later = reader.get(f"{ONE}?after=chatcmpl-one-39", headers={"HX-Request": "true"}).content.decode()
    assert "far" in texts(later, ".note__text")


def test_exports_and_json_have_no_notes(reader: Client, conversation: None, alices_token: str) -> None:
    for place in PLACES:
        write(reader, "Zqx-internal", place)
    addresses = [
        *(f"{ONE}transcript/?format={name}" for name in ("markdown", "text", "clipboard", "json", "jsonl")),
        *(f"{ONE}print/", f"{ONE}raw/", f"{ONE}messages/chatcmpl-one-1/raw/", f"{ONE}choices/0/raw/"),
        *(f"/v1/chat/completions/chatcmpl-one{rest}" for rest in ("", "/messages")),
        "/search/?q=Zqx-internal", f"{ONE}find/?q=Zqx-internal",
    ]  # fmt: skip
    program = {"Authorization": f"Bearer {alices_token}"}
    for address in addresses:
        answer = reader.get(address, headers=program if address.startswith("/v1") else {})
        assert answer.status_code in (200, 302), address
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode()
        assert "Zqx-internal" not in text.replace('value="Zqx-internal"', "").replace("q=Zqx-internal", "") or (
            "q=Zqx" in address
        ), address
        if "q=Zqx" in address:
            assert not has(text, ".found, a.hit")


def test_a_mention_puts_the_note_on_a_persons_page_until_it_was_opened(
    reader: Client, bobs: Client, bob: User, mallory: User, conversation: None
) -> None:
    write(reader, "Look, @Bob. (not carol@example.com)", "messages/chatcmpl-one-1/")
    assert [one.person for one in Mention.objects.all()] == [bob]
    assert attributes(opened(bobs, "/completions/"), "data-unread") == ["1"]
    page = opened(bobs, "/for-you/")
    assert texts(page, ".note__text b") == ["@Bob"]
    assert texts(page, ".note__of") == ["Where is my parcel?"]
    [link] = attributes(page, "href", "[data-note] a.button")
    note = Note.objects.get()
    assert link == f"{ONE}messages/chatcmpl-one-1/#note-{note.pk}"
    assert attributes(opened(bobs, "/for-you/"), "data-unread") == ["1"]  # seeing the page is not opening the note
    assert attributes(opened(bobs, link.partition("#")[0]), "data-unread") == ["0"]
    assert "no-store" in bobs.get("/for-you/")["Cache-Control"]  # Back from the note asks again
    assert not has(opened(bobs, "/for-you/"), ".note--unread")
    assert attributes(opened(reader, "/for-you/"), "data-unread") == ["0"]


def test_opening_another_part_of_the_conversation_does_not_read_the_note(
    reader: Client, bobs: Client, bob: User, stored: Store
) -> None:
    stored(make_long("chatcmpl-one", 60))
    write(reader, "@bob", "messages/chatcmpl-one-50/")
    assert attributes(opened(bobs), "data-unread") == ["1"]


def test_names_that_nobody_has_are_said_and_stay_text(reader: Client, bob: User, conversation: None) -> None:
    bob.is_active = False
    bob.save()
    page = reader.post(f"{ONE}note/", {"text": "@bob and @nobody-here."}, follow=True).content.decode()
    assert "Nobody here has the name @bob, @nobody-here" in visible(page)
    assert not has(page, ".note__text b")
    assert not Mention.objects.exists()
    form = opened(reader, f"{ONE}note/")
    assert attributes(form, "value", "option") == ["alice"]


def test_an_edit_changes_whom_a_note_mentions(
    reader: Client, bobs: Client, bob: User, mallory: User, conversation: None
) -> None:
    write(reader, "@bob @alice")
    assert {one.person_id for one in Mention.objects.all()} == {bob.pk}  # not the author
    bobs.post("/for-you/read/")
    url = f"{ONE}notes/{Note.objects.get().pk}/"
    reader.post(url, {"text": "@bob @mallory", "version": "first"})
    assert {one.person_id: one.read_at is None for one in Mention.objects.all()} == {bob.pk: False, mallory.pk: True}
    reader.post(url, {"text": "nobody", "version": Note.objects.get().edited_at.isoformat()})
    assert not Mention.objects.exists()


def test_notes_are_marked_as_read_one_by_one_or_all_and_only_for_oneself(
    reader: Client, bobs: Client, mallory: User, conversation: None
) -> None:
    for n in range(3):
        write(reader, f"@bob @mallory {n}")
    bobs.post("/for-you/read/", {"note": "nonsense"})
    bobs.post("/for-you/read/", {"note": Note.objects.first().pk})
    assert len(elements(opened(bobs, "/for-you/"), ".note--unread")) == 2
    bobs.post("/for-you/read/")
    assert not has(opened(bobs, "/for-you/"), ".note--unread")
    assert Mention.objects.filter(person=mallory, read_at=None).count() == 3


def test_for_you_shows_the_note_also_where_its_conversation_cannot_be_opened(
    reader: Client, bob: User, alice: User
) -> None:
    save(bob, make_completion("chatcmpl-away", say("user", "Only Bob knows")))
    note = Note.objects.create(
        completion_id="chatcmpl-away", place="", author=bob, text="@alice see", mentioned="alice"
    )
    Mention.objects.create(note=note, person=alice)
    page = opened(reader, "/for-you/")
    assert "see" in visible(page)
    assert texts(page, ".note__of") == ["chatcmpl-away"]
    assert "Only Bob knows" not in page
    assert reader.get(attributes(page, "href", "[data-note] a.button")[0].partition("#")[0]).status_code == 404


def test_the_notes_of_a_deleted_account_stay(reader: Client, bobs: Client, bob: User, conversation: None) -> None:
    write(bobs, "before I left")
    bob.delete()
    assert "a former colleague" in visible(element(opened(reader), ".note"))


def test_the_log_says_who_did_what_with_a_note_and_no_word_of_it(
    reader: Client, alice: User, conversation: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "lectern.events"):
        write(reader, "Zqx")
        note = Note.objects.get()
        reader.post(f"{ONE}notes/{note.pk}/", {"text": "Zqy", "version": "first"})
        reader.post(f"{ONE}notes/{note.pk}/delete/")
    events = [record for record in caplog.records if record.name == "lectern.events"]
    assert [one.message for one in events] == ["note written", "note edited", "note deleted"]
    assert {json.dumps(one.__dict__["facts"]) for one in events} == {json.dumps({"note": note.pk})}
