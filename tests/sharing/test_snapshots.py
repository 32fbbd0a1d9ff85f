"""What is in a snapshot, and above all what is not: what was not chosen, what a customer did not see, what was redacted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.test import Client

from tests.conftest import make_choice, make_completion, say
from tests.pages import attributes, element, elements, has, message_ids, texts, visible
from tests.said import say_instead
from viewer.archive.models import StoredCompletion
from viewer.completions.customer import seen_message
from viewer.completions.reading import read_message
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import Hidden, for_customer
from viewer.rendering.messages import build_bubbles
from viewer.review.models import Note
from viewer.sharing.models import Share, Snapshot, SnapshotMessage

FORM = "/completions/chatcmpl-one/share/"
EMAIL, PHONE, CARD = "ann.planted@example.org", "+49 30 901820", "4111 1111 1111 1111"
IBAN, IP, KEY = "DE89 3704 0044 0532 0130 00", "203.0.113.77", "sk-proj-4f9aKq2LmN8vXz71BcD0eRtYuIoPaSdF"
NAME, WORD = "Persephone Plantagenet", "Project Nightjar"
GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
SECRETS = (EMAIL, PHONE, CARD, IBAN, IP, KEY, NAME, WORD)
SAID = "; ".join(SECRETS)
KINDS = ["email", "phone", "card", "iban", "ip", "key", "name"]


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    caches["attempts"].clear()


def share_of(browser: Client, address: str = FORM, **fields: Any) -> Share:
    answer = browser.post(address, fields)
    assert answer.status_code == 302, visible(element(answer.text, "#main"))
    return Share.objects.latest("pk")


def in_tables() -> str:
    """Everything that is stored of shares."""
    stored = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("sharing_"):
                cursor.execute(f"SELECT * FROM {table}")
                stored += [str(value) for row in cursor.fetchall() for value in row]
    return "\n".join(stored)


def with_secrets(completion_id: str = "chatcmpl-one") -> dict[str, Any]:
    """A conversation with every secret in every kind of place."""
    pdf = base64.b64encode(b"%PDF-1.4").decode()
    call = {"id": "call_1", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": SAID})}}
    cited = {
        "type": "url_citation",
        "url_citation": {"url": f"https://example.org/?q={EMAIL}", "title": SAID, "start_index": 0, "end_index": 3},
    }
    tokens = [{"token": SAID, "logprob": -0.1, "bytes": [*SAID.encode()], "top_logprobs": []}]
    return make_completion(
        completion_id,
        say("system", f"Be kind to {NAME}. {SAID}"),
        say("user", [{"type": "text", "text": SAID}], name="ann"),
        say("user", [{"type": "file", "file": {"filename": f"{EMAIL}.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}}]),
        say("assistant", None, tool_calls=[call], reasoning_content=f"Thinking about {SAID}"),
        say("tool", json.dumps({"found": {"text": SAID, EMAIL: 1}}), tool_call_id="call_1"),
        say("assistant", f"**{EMAIL}** [mail](mailto:{EMAIL}) {SAID}", annotations=[cited]),
        say("assistant", None, audio={"id": "audio_1", "data": "", "transcript": SAID, "expires_at": 1}),
        say("assistant", None, refusal=SAID),
        say("user", "Escaped: " + EMAIL.replace("@", "\\u0040"), unknown_field={"deep": [SAID]}),
        metadata={"customer_name": NAME, "customer_email": EMAIL, "ref": SAID},
        choices=[make_choice(SAID) | {"logprobs": {"content": tokens, "refusal": None}}],
    )  # fmt: skip


def assert_gone(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text, secret
        assert secret.replace(" ", "") not in text.replace(" ", ""), secret
    for name in NAME.split():
        assert name not in text


def test_what_is_redacted_is_nowhere_any_more(reader: Client, bob: User, stored: Callable[..., Any]) -> None:
    stored(with_secrets())
    share = share_of(reader, redact=KINDS, words=WORD, note=f"See what {NAME} says: {SAID}")
    assert_gone(in_tables())
    bobs = Client()
    bobs.force_login(bob)
    home = f"/s/{share.token}/"
    page = bobs.get(home).text
    assert_gone(page)
    assert "[email 1]" in page
    assert "Redacted: E-mail address (" in visible(page)
    reached = {one for one in attributes(page, "href") + attributes(page, "src") if one.startswith(home)}
    assert len(reached) > 15
    for one in (*reached, f"{home}raw/", *(f"{home}transcript/?format={form}" for form in ("json", "jsonl", "text", "clipboard"))):  # fmt: skip
        answer = bobs.get(one)
        assert answer.status_code == 200, one
        assert_gone((answer.getvalue() if answer.streaming else answer.content).decode("utf-8", "replace"))
        assert_gone(str(answer.headers))
    listed = reader.get("/shares/").text
    assert_gone(listed)


def test_the_same_value_has_the_same_name_everywhere(reader: Client, stored: Callable[..., Any]) -> None:
    stored(
        make_completion("chatcmpl-one", say("user", f"{EMAIL}, other@example.org"), say("assistant", f"To {EMAIL}."))
    )
    share_of(reader, redact="email")
    texts = [json.loads(body)["content"] for body in SnapshotMessage.objects.values_list("body", flat=True)]
    assert texts == ["[email 1], [email 2]", "To [email 1]."]


def test_notes_of_colleagues_come_along_only_if_that_is_chosen(
    reader: Client, bob: User, stored: Callable[..., Any]
) -> None:
    stored(make_completion("chatcmpl-one", say("user", f"I am {EMAIL}"), say("assistant", "Hello"), say("user", "Bye")))
    for place, text in (("", "On all of it"), ("chatcmpl-one-0", f"Is {EMAIL} his?"), ("chatcmpl-one-2", "The end")):
        Note.objects.create(completion_id="chatcmpl-one", place=place, author=bob, text=text)
    assert "With the notes of colleagues (3)" in visible(element(reader.get(FORM).text, "#main"))
    without = share_of(reader, redact="email")
    assert not has(reader.get(f"/s/{without.token}/").text, ".note")
    assert "On all of it" not in in_tables()
    asked = {"redact": "email", "with_notes": "1"}
    preview = reader.post(FORM, asked | {"step": "preview"}).text
    assert texts(preview, "[data-preview] .note__text") == ["On all of it", "Is [email 1] his?", "The end"]
    whole = share_of(reader, **asked)
    Note.objects.update(text="edited later")
    page = reader.get(f"/s/{whole.token}/").text
    assert texts(page, ".note__text") == ["On all of it", "Is [email 1] his?", "The end"]
    assert EMAIL not in in_tables()
    assert not has(page, ".notes a")
    part = share_of(reader, scope="range", first="chatcmpl-one-1", last="chatcmpl-one-2", with_notes="1")
    assert texts(reader.get(f"/s/{part.token}/").text, ".note__text") == ["edited later"]
    for form in ("json", "text", "markdown"):
        assert "On all of it" not in reader.get(f"/s/{whole.token}/transcript/?format={form}").getvalue().decode()


def test_a_note_names_nothing_that_its_share_redacts(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", f"I am {EMAIL}")))
    share = share_of(reader, redact="email", note=f"{EMAIL}, not other@example.org")
    assert share.note == "[email 1], not [email 2]"
    change, kept = f"/shares/{share.pk}/change/", {"redact": "email", "expires": "keep"}
    answer = reader.post(change, kept | {"note": f"Ask {EMAIL}"})
    assert answer.status_code == 422
    assert f"This share redacts “{EMAIL}”. Leave it out of the note." in visible(answer.text)
    assert reader.post(change, kept | {"note": "Ask [email 1]"}).status_code == 302
    share.refresh_from_db()
    assert share.note == "Ask [email 1]"


def test_a_note_is_searched_with_all_that_its_share_was(reader: Client, stored: Callable[..., Any]) -> None:
    secret = "kestrel-4471-lantern"
    stored(
        make_completion("chatcmpl-one", say("user", f"password: {secret}"), metadata={"customer_name": "Jane Mueller"})
    )
    share = share_of(reader, redact=["key", "name"])
    kept = {"redact": ["key", "name"], "expires": "keep"}
    for said in ("Jane", secret):
        answer = reader.post(f"/shares/{share.pk}/change/", kept | {"note": f"About {said}"})
        assert answer.status_code == 422
        assert "Leave it out of the note." in visible(answer.text)


def test_a_conversation_that_is_gone_is_named_as_the_reason(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", f"I am {EMAIL}")))
    share = share_of(reader, redact="email")
    StoredCompletion.objects.all().delete()
    for step in ({"note": "Look", "redact": "email", "expires": "keep"}, {"step": "renew"}):
        answer = reader.post(f"/shares/{share.pk}/change/", step)
        assert answer.status_code == 422
        assert "The conversation can no longer be opened" in visible(answer.text)
    assert reader.get(f"/s/{share.token}/").status_code == 200


def test_findings_are_shown_one_by_one_and_redacted_one_by_one(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", f"Mail {EMAIL} or other@example.org, call {PHONE}")))
    form = reader.get(FORM).text
    assert attributes(form, "data-redaction") == ["email", "email", "phone"]
    assert not has(form, "[data-redaction] [checked]")
    looked = reader.post(FORM, {"redact": ["email"], "step": "preview"}).text
    ticked = attributes(looked, "value", "[data-redaction=email] [checked]")
    assert len(ticked) == 2
    assert not Share.objects.exists()
    share_of(reader, redact=ticked[:1])
    body = SnapshotMessage.objects.get().body
    assert EMAIL not in body
    assert "other@example.org" in body
    assert PHONE in body


def test_a_public_link_is_not_made_before_its_maker_has_seen_what_it_tells(
    reader: Client, stored: Callable[..., Any], settings: Any
) -> None:
    settings.PUBLIC_SHARING = True
    stored(make_completion("chatcmpl-one", say("user", f"Mail {EMAIL}")))
    looked = reader.post(FORM, {"audience": "link"})
    assert looked.status_code == 200
    assert has(looked.text, "[data-redaction=email] [checked]")
    assert not Share.objects.exists()
    share = share_of(reader)
    changed = {"audience": "link", "expires": "keep"}
    assert has(reader.post(f"/shares/{share.pk}/change/", changed).text, "[data-redaction=email] [checked]")
    assert Share.objects.get().audience == "signed-in"
    share_of(reader, audience="link", looked="1")
    assert EMAIL in SnapshotMessage.objects.latest("pk").body  # it was seen, and nothing was ticked


def test_media_can_be_left_out(reader: Client, stored: Callable[..., Any]) -> None:
    image = {"type": "image_url", "image_url": {"url": GIF}}
    stored(make_completion("chatcmpl-one", say("user", [{"type": "text", "text": "See"}, image])))
    share = share_of(reader, without_media="on")
    assert GIF not in in_tables()
    page = reader.get(f"/s/{share.token}/").text
    assert not has(page, "main img")
    assert "Images, audio and files are left out." in visible(page)


def test_what_the_customer_did_not_see_is_not_in_the_snapshot(reader: Client, stored: Callable[..., Any]) -> None:
    stored(with_secrets())
    share = share_of(reader, view="customer")
    stored_now = in_tables()
    for hidden in ("Be kind", "call_1", "Thinking", "unknown_field", "logprob", "customer_email", "token"):
        assert hidden not in stored_now.replace("sealed_token", ""), hidden
    page = reader.get(f"/s/{share.token}/").text
    assert message_ids(page)[0] == "chatcmpl-one-1"
    assert f"{EMAIL}.pdf" in page
    assert has(page, "[data-choice]")
    assert "it is what the customer saw" in visible(page)


MESSAGES: list[dict[str, Any]] = [
    say("system", "prompt"), say("developer", "prompt"), say("tool", "x", tool_call_id="a"), say("function", "x", name="f"),
    say("user", "Hello"), say("user", ""), say("user", None), say("assistant", ""), say("other", "Who?"),
    say("assistant", "<think>hm</think>Yes"), say("assistant", "<think>hm</think>"),
    say("assistant", None, tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]),
    say("assistant", "Looking", tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]),
    say("assistant", None, refusal="No."), say("assistant", [{"type": "refusal", "refusal": "No."}]),
    say("assistant", None, audio={"id": "a", "data": "AAAA", "transcript": "Hi"}),
    say("user", [{"type": "tool_result", "tool_use_id": "c", "content": "secret"}]),
    say("user", [{"type": "tool_result", "tool_use_id": "c", "content": "secret"}, {"type": "text", "text": "And?"}]),
    say("user", [{"type": "image_url", "image_url": {"url": "https://cdn.example/a.png"}}]),
    say("user", [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]),
    say("user", [{"type": "file", "file": {"filename": "a.pdf", "file_id": "file-1"}}]),
    say("user", [{"type": "hologram", "data": "x"}]), say("user", [{"type": "text", "text": "a"}, {"type": "hologram"}]),
    say("assistant", '{"a": 1}'), say("assistant", "a", error={"message": "broke"}), say("assistant", None, odd=1),
    say("assistant", "See [1]", citations=["https://a.example/", "https://b.example/"]),
]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: json.dumps(one)[:60])
def test_a_snapshot_in_the_customers_view_shows_what_that_view_shows(message: dict[str, Any]) -> None:
    whole = read_message(json.dumps({"id": "m", **message}))
    [shown] = for_customer(build_bubbles(RenderContext("c"), [whole]))
    seen = seen_message(whole)
    assert isinstance(shown, Hidden) == (seen is None)
    if isinstance(shown, Hidden) or seen is None:
        return
    [again] = build_bubbles(RenderContext("c"), [read_message(json.dumps(seen))])
    for name in ("role", "label", "parts", "calls", "results", "reasoning", "error", "sources", "created"):
        assert getattr(again, name) == getattr(shown, name), name


def test_a_range_and_a_message_take_nothing_else_with_them(reader: Client, stored: Callable[..., Any]) -> None:
    texts = [say("user", f"Secret number {n}.") for n in range(20)]
    stored(make_completion("chatcmpl-one", *texts, extra={"messages": "Secret number 0."}))
    share_of(reader, scope="range", first="chatcmpl-one-7", last="chatcmpl-one-5")
    snapshot = Snapshot.objects.get()
    assert [*snapshot.messages.values_list("message_id", flat=True)] == [f"chatcmpl-one-{n}" for n in (5, 6, 7)]
    assert json.loads(snapshot.body)["choices"] == []
    assert "Secret" not in snapshot.body
    page = reader.get(f"/s/{Share.objects.get().token}/").text
    for untrue in ("No answer is stored", "Beginning of the conversation", "End of the conversation"):
        assert untrue not in visible(page)

    selected = reader.get(f"{FORM}?from=chatcmpl-one-5&to=chatcmpl-one-7&include=customer").text
    assert attributes(selected, "value", "[name=scope][checked]") == ["range"]
    assert attributes(selected, "value", "[name=view][checked]") == ["customer"]

    asked = f"{FORM}?from=chatcmpl-one-10&to=chatcmpl-one-10&quote=1"
    form = reader.get(asked).text
    assert attributes(form, "value", "[name=scope][checked]") == ["message"]
    share = share_of(reader, asked, first="chatcmpl-one-10", last="chatcmpl-one-10")
    around = [f"chatcmpl-one-{n}" for n in range(7, 14)]
    page = reader.get(f"/s/{share.token}/").text
    assert message_ids(page) == around
    assert attributes(page, "data-message-id", "article[aria-current]") == ["chatcmpl-one-10"]
    for outside in ("messages/chatcmpl-one-6/", "messages/chatcmpl-one-6/raw/", "choices/0/", "choices/0/raw/"):
        assert reader.get(f"/s/{share.token}/{outside}").status_code == 404, outside
    assert reader.get(f"/s/{share.token}/?after=chatcmpl-one-6").status_code == 404
    told = reader.get(f"/s/{share.token}/transcript/?format=json").getvalue().decode()
    assert [one["id"] for one in json.loads(told)["messages"]] == around


def test_what_cannot_be_searched_is_not_shared_redacted(reader: Client, stored: Callable[..., Any]) -> None:
    deep = f'{{"id": "chatcmpl-one-0", "role": "user", "content": "hi", "odd": {"[" * 3000}"{EMAIL}"{"]" * 3000}}}'
    stored(make_completion("chatcmpl-one", say("user", f"Mail {EMAIL}")))
    say_instead(StoredCompletion.objects.get(), [("chatcmpl-one-0", deep)])
    share_of(reader, redact="email")
    assert EMAIL not in in_tables()


def test_a_snapshot_stays_as_it_was(reader: Client, stored: Callable[..., Any]) -> None:
    message = say("user", "Price: 1.10", price=0)
    stored(make_completion("chatcmpl-one", message, seed=12345678901234567890123))
    share = share_of(reader)
    stored(make_completion("chatcmpl-one", say("user", "Changed")), replace=True)
    assert reader.get(f"/s/{share.token}/raw/").json()["seed"] == 12345678901234567890123
    assert reader.get(f"/s/{share.token}/messages/chatcmpl-one-0/raw/").json()["content"] == "Price: 1.10"


def test_the_form_says_what_it_does_not_find(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hi")))
    assert len(elements(reader.get(FORM).text, "[data-limits] li")) > 3


def test_changing_a_share_keeps_what_was_redacted_one_by_one(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", f"Mail {EMAIL} or other@example.org about {WORD}")))
    looked = reader.post(FORM, {"redact": ["email"], "words": WORD, "step": "preview"}).text
    first, _ = attributes(looked, "value", "[data-redaction=email] [checked]")
    share = share_of(reader, redact=[first], words=WORD)
    assert WORD not in in_tables()  # neither what it removed
    form = reader.get(f"/shares/{share.pk}/change/").text
    assert attributes(form, "value", "input[type=hidden][name=redact]") == [first]
    fields = {"redact": [first], "words": element(form, "[name=words]").text(), "expires": "keep"}
    assert reader.post(f"/shares/{share.pk}/change/", fields | {"step": "renew"}).status_code == 302
    assert SnapshotMessage.objects.get().body.count("[email 1]") == 1
    assert WORD not in in_tables()


def test_of_very_many_findings_all_or_none_are_redacted(reader: Client, stored: Callable[..., Any]) -> None:
    said = " ".join(f"p{n}@example.org" for n in range(1_200))
    stored(make_completion("chatcmpl-one", say("user", said)))
    looked = reader.post(FORM, {"redact": ["email"], "step": "preview"}).text
    assert len(elements(looked, "[data-redaction=email]")) == 100
    assert attributes(looked, "value", "[name=redact][checked]") == ["email"]
    share_of(reader, redact="email", looked="1")
    assert "@example.org" not in in_tables()


def test_the_preview_is_what_its_reader_will_see(reader: Client, stored: Callable[..., Any]) -> None:
    said = [{"type": "text", "text": f"Mail {EMAIL}"}, {"type": "image_url", "image_url": {"url": GIF}}]
    stored(make_completion("chatcmpl-one", say("system", "Be kind"), say("user", said)))
    page = reader.post(FORM, {"redact": ["email"], "view": "customer", "step": "preview"}).text
    preview = element(page, "[data-preview]")
    assert "Mail [email 1]" in visible(preview)
    assert "Not in the preview, but in the share" in visible(preview)
    assert has(page, "#redaction legend[autofocus]")
    assert "Be kind" not in visible(preview)
    assert not has(preview, "a[href]")


def test_an_answer_is_shared_with_the_messages_before_it(reader: Client, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", *(say("user", f"Message {n}") for n in range(9))))
    share = share_of(reader, first="choices/0", last="choices/0")
    page = reader.get(f"/s/{share.token}/").text
    assert message_ids(page)[:3] == [f"chatcmpl-one-{n}" for n in (6, 7, 8)]
    assert has(page, "[data-choice='0'][aria-current]")
    for wrong in ({"first": "chatcmpl-two-1"}, {"first": "choices/7"}, {"scope": "range", "first": "a", "last": "b"}):
        answer = reader.post(FORM, wrong)
        assert answer.status_code == 422, wrong
        assert has(answer.text, "[role=alert]")


def test_what_is_too_much_for_one_share_is_refused(
    reader: Client, stored: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x" * 2000)))
    monkeypatch.setattr("viewer.sharing.snapshots._MAX_SEARCHED", 1000)
    assert reader.get(FORM).status_code == 200
    assert "too much for one share" in visible(reader.post(FORM, {"redact": "email"}).text)
    assert reader.post(FORM).status_code == 302
    monkeypatch.setattr("viewer.sharing.snapshots._MAX_CHARACTERS", 1000)
    assert reader.post(FORM).status_code == 422


def test_a_redacted_share_has_no_message_as_its_file_had_it(reader: Client, stored: Callable[..., Any]) -> None:
    """A span of OpenTelemetry has its messages as JSON in a text, where the same words are written otherwise."""
    given = {"source": {"attributes": {"input": json.dumps(f"Grüße, {EMAIL}")}}, "notes": [{"code": "lost-image"}]}
    stored(make_completion("chatcmpl-one", {**say("user", f"Write to {EMAIL}"), "lectern": given}))
    share_of(reader, redact="email")
    assert json.loads(SnapshotMessage.objects.get().body)["lectern"] == {"notes": [{"code": "lost-image"}]}
