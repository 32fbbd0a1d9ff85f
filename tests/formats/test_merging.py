"""The rules by which calls that repeat their history become one conversation."""

from __future__ import annotations

from typing import Any

from viewer.formats.drafts import DraftMessage, image_part, text_part, tool_call
from viewer.formats.merging import Merging, merged


def system(text: str) -> DraftMessage:
    return DraftMessage("system", text)


def user(content: Any) -> DraftMessage:
    return DraftMessage("user", content)


def assistant(content: Any, *calls: str, **more: Any) -> DraftMessage:
    return DraftMessage(
        "assistant", content, tool_calls=[tool_call(name, "look_up", "{}") for name in calls], more=more
    )


def result(text: str, call: str) -> DraftMessage:
    return DraftMessage("tool", text, tool_call_id=call)


def words(messages: list[DraftMessage]) -> list[Any]:
    return [message.content for message in messages]


def test_a_history_that_grows_with_each_call_is_said_once() -> None:
    calls = [
        ([system("S"), user("A17?")], [assistant("I look.", "c1", "c2")]),
        ([system("S"), user("A17?"), assistant("I look.", "c1", "c2"), result("sent", "c1"), result("lost", "c2")],
         [assistant("It left.")]),
        ([system("S"), user("A17?"), assistant("I look.", "c1", "c2"), result("sent", "c1"), result("lost", "c2"),
          assistant("It left."), user("Thanks")], [assistant("Bye")]),
    ]  # fmt: skip
    assert words(merged(calls)) == ["S", "A17?", "I look.", "sent", "lost", "It left.", "Thanks", "Bye"]


def test_a_person_may_say_the_same_again() -> None:
    yes, fine = user("Yes"), assistant("Fine")
    growing = [([yes], [fine]), ([yes, fine, yes], [fine]), ([yes, fine, yes, fine, yes], [assistant("Done")])]
    assert words(merged(growing)) == ["Yes", "Fine", "Yes", "Fine", "Yes", "Done"]
    alone = [([system("S"), yes], [fine]), ([system("S"), yes], [fine])]  # no history is sent at all
    assert words(merged(alone)) == ["S", "Yes", "Fine", "Yes", "Fine"]


def test_inputs_without_answers_repeat_only_the_questions() -> None:
    calls = [([user("A")], [assistant("1")]), ([user("A"), user("B")], [assistant("2")])]
    assert words(merged(calls)) == ["A", "1", "B", "2"]


def test_a_history_that_was_cut_short_loses_nothing_and_doubles_nothing() -> None:
    calls = [
        ([system("S"), user("A")], [assistant("1")]),
        ([system("S"), user("A"), assistant("1"), user("B")], [assistant("2")]),
        ([system("S"), assistant("1"), user("B"), assistant("2"), user("C")], [assistant("3")]),
        ([user("C"), assistant("3"), user("D")], [assistant("4")]),
    ]
    assert words(merged(calls)) == ["S", "A", "1", "B", "2", "C", "3", "D", "4"]


def test_a_summary_in_place_of_the_history_is_added_once_where_it_came() -> None:
    summary = system("Summary: A was asked.")
    calls = [
        ([system("S"), user("A")], [assistant("1")]),
        ([system("S"), summary, user("B")], [assistant("2")]),
        ([system("S"), summary, user("B"), assistant("2"), user("C")], [assistant("3")]),
    ]
    assert words(merged(calls)) == ["S", "A", "1", "Summary: A was asked.", "B", "2", "C", "3"]


def test_what_earlier_calls_did_not_record_comes_with_the_history() -> None:
    calls = [([user("A")], []), ([user("A"), assistant("1"), user("B")], [assistant("2")])]
    assert words(merged(calls)) == ["A", "1", "B", "2"]


def test_a_rewritten_message_of_the_history_is_the_message() -> None:
    picture = image_part("data:image/png;base64,AAAA")
    calls = [
        ([user([text_part("See"), picture])], [assistant("Torn.", "c1")]),
        ([user("See [image]"), assistant("", "c1"), result("a long result", "c1")], [assistant("2 ")]),
        ([user("See [image]"), assistant("", "c1"), result("[cleared]", "c1"), assistant("2"), user("B")], []),
    ]
    assert words(merged(calls)) == [[text_part("See"), picture], "Torn.", "a long result", "2 ", "B"]


def test_the_fuller_one_of_an_empty_and_a_full_message_stays() -> None:
    calls = [
        ([user("A")], [assistant(None, usage={"total_tokens": 3})]),
        ([user("A"), assistant("I cannot say."), user("B")], []),
    ]
    _, answer, _ = merged(calls)
    assert (answer.content, answer.more) == ("I cannot say.", {"usage": {"total_tokens": 3}})


def test_an_edited_question_is_another_question() -> None:
    calls = [([user("A")], [assistant("1")]), ([user("Other"), assistant("1"), user("B")], [assistant("2")])]
    assert words(merged(calls)) == ["A", "1", "Other", "B", "2"]


def test_the_same_history_sent_again_adds_only_the_other_answer() -> None:
    asked = [user("A"), assistant("1"), user("B")]
    assert words(merged([(asked[:1], asked[1:2]), (asked, [assistant("2")]), (asked, [assistant("3")])])) == [
        "A", "1", "B", "2", "3",
    ]  # fmt: skip


def test_one_question_to_several_models_in_one_group_is_one_question() -> None:
    merging = Merging()
    for prompt, answer in (("Is it safe?", "yes"), ("You help.", "Hello")):
        merging.ask([system(prompt), user("Hi")], "trace 1")
        merging.answer([assistant(answer)], "trace 1")
    merging.ask([system("You help."), user("Hi")], "trace 2")
    assert words(merging.messages) == ["Is it safe?", "Hi", "yes", "You help.", "Hello", "Hi"]


def test_a_question_after_a_failure_is_the_same_question() -> None:
    merging = Merging()
    merging.ask([user("A")])
    merging.answer([assistant(None, error="overloaded")], is_failed=True)
    merging.ask([user("A")])
    merging.answer([assistant("1")])
    assert words(merging.messages) == ["A", None, "1"]


def test_pictures_and_calls_tell_messages_apart() -> None:
    first, second = image_part("data:image/png;base64,AAAA"), image_part("data:image/png;base64,BBBB")
    calls = [([user([first])], [assistant("", "c1")]), ([user([first]), assistant("", "c1"), user([second])], [])]
    assert words(merged(calls)) == [[first], "", [second]]
    calls = [([user("A")], [assistant("", "c1")]), ([user("A"), assistant("", "c1"), assistant("", "c2")], [])]
    assert len(merged(calls)) == 3


def test_a_result_of_a_tool_stands_after_its_call() -> None:
    merging = Merging()
    merging.ask([user("A")])
    merging.answer([assistant("I look.", "c1", "c2")])
    merging.result(result("one", "c1"))
    merging.result(result("two", "c2"))
    merging.ask([user("A"), assistant("I look.", "c1", "c2"), result("one", "c1"), result("two", "c2")])
    merging.answer([assistant("Done")])
    assert words(merging.messages) == ["A", "I look.", "one", "two", "Done"]
