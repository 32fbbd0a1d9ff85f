"""Frameworks that write down single calls, tasks or steps: DSPy, CrewAI, smolagents; and Mem0, which keeps no talk."""

from __future__ import annotations

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.types import text_of


def test_each_call_of_a_dspy_history_is_a_conversation_with_all_its_outputs() -> None:
    refused, two = conversations_in("dspy.json")
    assert [message.role for message in messages_of(refused)] == ["system", "user", "assistant"]
    assert [note.code for note in messages_of(refused)[-1].origin.notes] == ["lost-refusal"]
    assert [text_of(message) for message in messages_of(two)] == ["two", "Done: two", "Done: two"]
    assert len(completion_of(two).choices) == 2
    assert completion_of(two).model == "gpt-4.1"


def test_each_task_of_a_crew_is_a_conversation() -> None:
    first, second = map(messages_of, conversations_in("crewai.json"))
    assert [message.role for message in first] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    calls = [call.id for message in first for call in message.tool_calls]
    assert [result.call_id for message in first for result in message.results] == calls
    assert text_of(second[-1]) == "I am sorry about the torn box. A new one is on its way."


def test_the_log_of_a_crew_has_tasks_and_outputs_and_an_open_task_is_said() -> None:
    began = {"timestamp": "2026-11-30 01:37:39", "task_name": None, "task": "Where is it?", "agent": "Shop"}
    ended = began | {"status": "completed", "output": "On its way."}
    messages = messages_of(conversation_in([began | {"status": "started"}, ended]))
    assert [text_of(message) for message in messages] == ["Where is it?", "On its way."]
    assert refusals_in([began | {"status": "started"}])


def test_the_steps_of_an_agent_are_messages() -> None:
    messages = messages_of(conversation_in("smolagents.json"))
    assert [message.role for message in messages] == [
        "user", "assistant", "tool", "assistant", "tool", "tool", "assistant",
    ]  # fmt: skip
    assert [call.name for call in messages[1].tool_calls] == ["order_status", "order_status"]


def test_memories_are_named() -> None:
    memory = {"id": "m1", "memory": "Lives in Basel", "hash": "x", "user_id": "ann"}
    for source in ({"results": [memory]}, [memory]):
        (reason,) = refusals_in(source)
        assert "Mem0" in reason
