from __future__ import annotations

from tests.formats.files import conversation_in, messages_of, refusals_in
from viewer.completions.outcomes import outcome_of
from viewer.completions.types import ImagePart, text_of


def test_the_state_of_an_agent_is_read_whole() -> None:
    messages = messages_of(conversation_in("autogen_agent.json"))
    assert [message.role for message in messages] == [
        "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user", "assistant",
        "tool", "assistant",
    ]  # fmt: skip
    assert text_of(messages[1]) == "Let me look at both orders."  # a thought in the file, but it was said
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.arguments for call in calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}', '{"order_id": "FAIL"}']
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]
    assert [outcome_of(m, result) for m in messages for result in m.results] == ["", "", "error"]
    assert [part.url[:22] for m in messages for part in m.parts if isinstance(part, ImagePart)] == [
        "data:image/png;base64,"
    ]
    assert [each.text for each in messages[6].reasoning] == ["The photo shows a torn box, so a replacement is due."]
    assert [note.code for note in messages[8].origin.notes] == ["lost-refusal"]


def test_of_a_team_the_thread_of_its_manager_is_read_with_the_names_of_the_agents() -> None:
    messages = messages_of(conversation_in("autogen_team.json"))
    assert len(messages) == 15
    assert [message.name for message in messages[:6]] == ["", "shop", "order_status", "order_status", "shop", "critic"]
    assert all(message.created for message in messages)


def test_in_a_chat_result_of_0_2_the_one_who_asks_is_the_user_although_the_file_says_assistant() -> None:
    messages = messages_of(conversation_in("autogen_0_2.json"))
    assert [(message.role, message.name) for message in messages] == [
        ("user", "user_proxy"),
        ("assistant", ""),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "shop"),
    ]
    calls = [call.id for message in messages for call in message.tool_calls]
    assert [result.call_id for message in messages for result in message.results] == calls


def test_in_a_group_of_0_2_where_all_are_users_everybody_but_who_began_is_an_assistant() -> None:
    group = [{"role": "user", "name": name, "content": text} for name, text in
             (("customer", "Where?"), ("helper", "On its way."), ("critic", "Fine."), ("customer", "Thanks"))]  # fmt: skip
    messages = messages_of(conversation_in(group))
    assert [(message.role, message.name) for message in messages] == [
        ("user", "customer"), ("assistant", "helper"), ("assistant", "critic"), ("user", "customer"),
    ]  # fmt: skip


def test_the_result_of_a_run_whose_messages_were_left_out_says_so() -> None:
    bare = {"id": "a", "source": "user", "models_usage": None, "metadata": {}, "created_at": "2026-01-02T03:04:05Z"}
    (reason,) = refusals_in({"messages": [bare], "stop_reason": None})
    assert "TaskResult" in reason


def test_results_of_0_2_that_stand_in_one_message_are_all_read_in_an_object_too() -> None:
    answers = [{"role": "tool", "tool_call_id": name, "content": name} for name in ("c1", "c2")]
    talk = [{"role": "user", "content": "Where?"}, {"role": "tool", "content": "c1 c2", "tool_responses": answers}]
    for source in (talk, {"messages": talk}, {"customer": talk}):
        messages = messages_of(conversation_in(source))
        assert [result.call_id for message in messages for result in message.results] == ["c1", "c2"]
