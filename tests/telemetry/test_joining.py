"""What becomes of spans: conversations of the archive, however late, often and mixed they came."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.api.refusals import bearer
from tests.telemetry.sending import call, ids_in, let_time_pass, said_in, say, send, span, stored, turns, work
from viewer.archive.importing import import_all, import_lines
from viewer.archive.messages import messages_of
from viewer.archive.models import CompletionLabel, Label, StoredCompletion
from viewer.erasure import erasing
from viewer.erasure.erasing import erase
from viewer.keys.models import AccessToken
from viewer.review.models import Note, Verdict
from viewer.telemetry import joining, settling
from viewer.telemetry.cleaning import end_conversations, forget_passed
from viewer.telemetry.models import Joiner, Mark, ReceivedSpan, Stopped, Tally, Trace, TracedConversation

pytestmark = pytest.mark.django_db
Receive = Callable[..., None]
SESSION = {"session__id": "a-session-with-a-long-name"}
NAME = SESSION["session__id"]


@pytest.fixture
def receive(client: Client, alice: User) -> Receive:
    """Send spans as one request."""
    headers = bearer(AccessToken.objects.issue(alice, "shop", rights=["may_import"])[1])
    return lambda *spans: send(client, headers, *spans)


@pytest.fixture
def erased(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(erasing, "purge", lambda: True)  # which cannot be within the transaction of a test
    return lambda completion_id: erase([completion_id], "root") and None


def judged(verdict: str) -> dict[str, str]:
    return {"verdict": verdict, "version": "none"}


def tallied(kind: str) -> int:
    return sum(Tally.objects.filter(kind=kind).values_list("count", flat=True))


def test_traces_that_name_a_conversation_are_one_and_it_grows(receive: Receive) -> None:
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION))
    work()
    assert said_in(NAME) == ["Hello", "Hi"]
    receive(call(2, 2, turns("Hello", "Hi", "And?"), "So", **SESSION))
    receive(call(3, 3, turns("Hello", "Hi", "And?", "So", "Bye"), "Bye", **SESSION))
    work()
    assert said_in(NAME) == ["Hello", "Hi", "And?", "So", "Bye", "Bye"]
    assert stored() == {NAME}
    assert StoredCompletion.objects.get().metadata.get(key="service").value == "shop"


def test_one_worker_at_a_time_joins() -> None:
    first = Joiner.claim()
    assert first
    assert Joiner.claim() is None
    Joiner.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert Joiner.claim()
    with pytest.raises(Stopped):
        first.hold()


def test_nothing_is_joined_before_it_is_quiet_unless_it_never_is(receive: Receive) -> None:
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION))
    work(seconds=0)
    assert stored() == set()
    let_time_pass(30)
    receive(call(1, 2, turns("Hello", "Hi", "And?"), "So", **SESSION))
    work(seconds=0)
    assert said_in(NAME) == ["Hello", "Hi", "And?", "So"]


def test_traces_that_name_none_go_on_by_what_they_repeat_also_days_later(receive: Receive) -> None:
    receive(call(1, 1, turns("Hello"), "Hi"))
    receive(call(2, 2, turns("Hello"), "Hi"))  # another customer who says the same
    work()
    first, second = f"{1:032x}", f"{2:032x}"
    assert stored() == {first, second}
    receive(call(3, 3, turns("Hello", "Hi", "Mine?"), "A17"))
    work()
    receive(call(4, 4, turns("Hello", "Hi", "Ours?"), "B18"))
    work()
    receive(call(5, 5, turns("Hello", "Hi", "Mine?", "A17", "Thanks"), "Bye"))
    work()
    assert said_in(first) == ["Hello", "Hi", "Mine?", "A17", "Thanks", "Bye"]
    assert said_in(second) == ["Hello", "Hi", "Ours?", "B18"]
    assert stored() == {first, second}


def test_turns_that_come_late_and_in_another_order_find_their_conversation(receive: Receive) -> None:
    third = call(3, 3, turns("Hello", "Hi", "And?", "So", "Then?"), "Done")
    for one in (third, call(2, 2, turns("Hello", "Hi", "And?"), "So"), call(1, 1, turns("Hello"), "Hi"), third):
        receive(one)
        let_time_pass()
        work()
    assert stored() == {f"{3:032x}"}
    assert said_in(f"{3:032x}") == ["Hello", "Hi", "And?", "So", "Then?", "Done"]
    receive(call(4, 4, turns("Hello", "Hi", "And?", "So", "Then?", "Done", "Bye"), "Bye"))
    work()
    assert len(said_in(f"{3:032x}")) == 8


def test_a_name_that_comes_after_the_calls_belongs_to_what_is_stored(receive: Receive) -> None:
    """The span around the calls ends last, and some frameworks name the conversation on it alone."""
    receive(call(1, 2, turns("Hello"), "Hi", parent=1))
    work(seconds=3)
    assert stored() == set()  # the span around it may name the conversation
    work(seconds=30)
    first = f"{1:032x}"
    assert stored() == {first}
    receive(span(1, 1, {"session.id": NAME}))
    work()
    receive(call(2, 3, turns("Hello", "Hi", "And?"), "So", **SESSION))
    work()
    assert stored() == {first}
    assert said_in(first) == ["Hello", "Hi", "And?", "So"]


def test_a_late_name_of_a_known_conversation_moves_what_was_stored_alone_unless_somebody_works_on_it(
    receive: Receive,
) -> None:
    receive(call(9, 1, turns("Hello"), "Hi", **SESSION))
    label = Label.objects.create(name="Court case", key="court case", colour="red")
    CompletionLabel.objects.create(label=label, completion_id=f"{2:032x}")
    for trace in (1, 2):
        receive(call(trace, 10 * trace, [*turns("Hello", "Hi"), say("user", f"Question {trace}")], "So", parent=9))
    work(seconds=31)
    assert stored() == {NAME, f"{1:032x}", f"{2:032x}"}
    for trace in (1, 2):
        receive(span(trace, 9, {"session.id": NAME}))
    work()
    assert said_in(NAME) == ["Hello", "Hi", "Question 1", "So", "Question 2", "So"]
    assert stored() == {NAME, f"{2:032x}"}


def test_spans_between_those_that_tell_something_carry_the_name_down_and_others_are_forgotten(receive: Receive) -> None:
    outer = span(1, 1, {"openinference.span.kind": "AGENT", "session.id": NAME})
    inner = span(1, 5, {"openinference.span.kind": "AGENT", "session.id": "another session of the tool"}, parent=2)
    receive(call(1, 7, turns("Hello"), "Hi", parent=6), span(1, 6, parent=5), span(1, 8, parent=7))
    receive(inner, span(1, 2, parent=1), outer)
    work()
    assert said_in(NAME) == ["Hello", "Hi"]
    ReceivedSpan.objects.update(received_at=timezone.now() - timedelta(minutes=6))
    joiner = Joiner.claim()
    assert joiner
    forget_passed(joiner)
    assert {int(one, 16) for one in ReceivedSpan.objects.values_list("span", flat=True)} == {1, 2, 5, 6, 7}


def test_notes_and_verdicts_stay_with_their_message_and_with_the_answer_that_becomes_one(
    receive: Receive, alice: User
) -> None:
    receive(call(1, 10, turns("Hello"), "Hi", **SESSION))
    work()
    (hello,) = ids_in(NAME)
    Note.objects.create(completion_id=NAME, place=hello, author=alice, text="on Hello")
    Note.objects.create(completion_id=NAME, place="choices/0", author=alice, text="on Hi")
    browser = Client()
    browser.force_login(alice)
    assert browser.post(f"/completions/{NAME}/choices/0/verdict/", judged("wrong")).status_code == 302
    receive(call(2, 20, turns("Hello", "Hi", "And?"), "So", **SESSION))
    work()
    receive(call(3, 1, turns("Earlier"), "Indeed", **SESSION))  # it began before all of these
    work()
    assert said_in(NAME) == ["Earlier", "Indeed", "Hello", "Hi", "And?", "So"]
    texts = ids_in(NAME)
    assert {note.text: texts[note.place] for note in Note.objects.all()} == {"on Hello": "Hello", "on Hi": "Hi"}
    (moved,) = Verdict.objects.all()
    assert (moved.verdict, texts[moved.message_id]) == ("wrong", "Hi")
    assert browser.post(f"/completions/{NAME}/choices/0/verdict/", judged("good")).status_code == 302
    assert Verdict.objects.count() == 2
    assert f'href="/completions/{NAME}/messages/{moved.message_id}/"' in browser.get("/verdicts/list/").text


def test_a_batch_sent_twice_changes_nothing(receive: Receive) -> None:
    batch = [call(1, 1, turns("Hello"), "Hi", **SESSION), call(2, 2, turns("Ho"), "Ha")]
    receive(*batch)
    work()
    before = set(StoredCompletion.objects.values_list("pk", "digest"))
    receive(*batch)
    assert not Trace.objects.filter(since__isnull=False).exists()
    assert set(StoredCompletion.objects.values_list("pk", "digest")) == before


def test_what_was_erased_does_not_come_back_nor_go_on(receive: Receive, erased: Callable[[str], None]) -> None:
    alone = f"{2:032x}"
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION), call(2, 2, turns("Ho"), "Ha"))
    work()
    receive(call(3, 3, turns("Hello", "Hi", "Waiting"), "So", **SESSION))
    assert ReceivedSpan.objects.count() == 3
    for completion_id in (NAME, alone):
        erased(completion_id)
    assert ReceivedSpan.objects.count() == 1  # of a trace that nobody has looked at yet
    receive(call(1, 5, turns("Hello"), "Hi again", **SESSION), call(4, 4, turns("Ho", "Ha", "Hm"), "So"))
    work()
    assert (stored(), ReceivedSpan.objects.count(), tallied("erased")) == (set(), 0, 3)


def test_after_its_time_a_conversation_stays_as_it_is_and_what_comes_is_one_of_its_own(
    receive: Receive, settings: Any
) -> None:
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION))
    work()
    TracedConversation.objects.update(last_span_at=timezone.now() - timedelta(days=settings.TELEMETRY_DAYS + 1))
    end_conversations()
    assert not ReceivedSpan.objects.exists()
    assert not Mark.objects.exists()
    receive(call(2, 2, turns("Anybody?"), "Yes", **SESSION))
    work()
    assert (said_in(NAME), said_in(f"{NAME}-2")) == (["Hello", "Hi"], ["Anybody?", "Yes"])
    ((_, body),) = messages_of(StoredCompletion.objects.get(completion_id=f"{NAME}-2"))
    assert f'{{"code": "goes-on", "by": "{NAME}"}}' in body


def test_a_conversation_that_is_full_goes_on_as_another(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_FULL", 100)
    for trace in (1, 3):
        said = turns("Hello") if trace == 1 else turns("Hello", "Hi", "And?")
        receive(call(trace, trace, said, "Hi" if trace == 1 else "So", **SESSION))
        receive(call(trace + 1, 10 * trace, turns("Ho", "Ha", "Hm")[:trace], "Ha" if trace == 1 else "So"))
        work()
    assert (said_in(NAME), said_in(f"{NAME}-2")) == (["Hello", "Hi"], ["Hello", "Hi", "And?", "So"])
    assert (said_in(f"{2:032x}"), said_in(f"{4:032x}")) == (["Ho", "Ha"], ["Ho", "Ha", "Hm", "So"])
    receive(call(4, 40, turns("Ho", "Ha", "Hm", "So", "Bye"), "Bye"))  # of a trace whose conversation is full
    work()
    assert said_in(f"{4:032x}-2")[-2:] == ["Bye", "Bye"]


def test_a_conversation_that_cannot_be_stored_keeps_no_other_from_it(
    receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_for_one(given: Any, *more: Any, **named: Any) -> Any:
        conversations = list(given)
        if any(one.id == NAME for one in conversations):
            raise LookupError
        return import_all(conversations, *more, **named)

    monkeypatch.setattr(joining, "import_all", fail_for_one)
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION), call(2, 2, turns("Ho"), "Ha"))
    work()
    assert stored() == {f"{2:032x}"}
    assert TracedConversation.objects.get(completion_id=NAME).problem == "unreadable"


def test_what_a_file_has_brought_in_is_not_overwritten(receive: Receive) -> None:
    file = {"id": NAME, "messages": [{"role": "user", "content": "From a file"}]}
    assert [each.status for each in import_lines([json.dumps(file).encode()])] == ["imported"]
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION))
    work()
    assert (said_in(NAME)[0], said_in(f"{NAME}-2")) == ("From a file", ["Hello", "Hi"])


def test_calls_of_which_nothing_was_recorded_are_counted_and_wait_for_it(receive: Receive) -> None:
    silent = span(1, 1, {"gen_ai.operation.name": "chat", "session.id": NAME})
    receive(silent)
    work()
    assert (stored(), TracedConversation.objects.get().problem) == (set(), "silent")
    receive(call(1, 1, turns("Hello"), "Hi", **SESSION))
    work()
    assert (said_in(NAME), TracedConversation.objects.get().problem) == (["Hello", "Hi"], "")
