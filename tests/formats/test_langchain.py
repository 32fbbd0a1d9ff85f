from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.formats.files import FILES, completion_of, conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.types import ImagePart, text_of

REFUSAL = "I can't share another customer's address."


def test_blocks_of_responses_are_read_and_no_call_stands_twice() -> None:
    conversation = conversation_in("langchain_dicts.json")
    messages = messages_of(conversation)
    assert [message.role for message in messages] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant", "user", "assistant", "user",
        "assistant",
    ]  # fmt: skip
    calls = [call for message in messages for call in message.tool_calls]
    assert [(call.name, call.arguments) for call in calls[:2]] == [
        ("order_status", '{"order_id": "A17"}'),
        ("order_status", '{"order_id": "A18"}'),
    ]
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls[:2]]
    assert [(cited.title, cited.start, cited.end) for cited in messages[5].citations] == [("Stock list", 54, 116)]
    assert [part.url[:22] for part in messages[6].parts if isinstance(part, ImagePart)] == ["data:image/png;base64,"]
    assert [each.text for each in messages[7].reasoning] == ["The photo shows a torn box, so a replacement is due."]
    assert messages[9].refusal == REFUSAL
    assert completion_of(conversation).model == "gpt-4.1"


def test_a_call_that_broke_off_is_shown_as_the_model_wrote_it_although_langchain_mended_it() -> None:
    broken = messages_of(conversation_in("langchain_dicts.json"))[-1]
    assert [call.arguments for call in broken.tool_calls] == ['{"order_id": "A1']


def test_serialised_messages_have_refusals_invalid_calls_and_failed_tools() -> None:
    messages = messages_of(conversation_in("langchain_dumpd.json"))
    assert [message.refusal for message in messages if message.refusal] == [REFUSAL]
    calls = [call for message in messages for call in message.tool_calls]
    assert [call.arguments for call in calls] == ['{"order_id": "A1', '{"order_id": "FAIL"}']
    assert [outcome_of(m, result) for m in messages for result in m.results] == ["error", "error"]
    assert [result.call_id for message in messages for result in message.results] == [call.id for call in calls]


def test_an_empty_answer_of_a_stream_says_that_it_may_have_been_a_refusal() -> None:
    messages = messages_of(conversation_in("langchain_streamed.json"))
    assert [message.role for message in messages][:2] == ["user", "assistant"]
    assert [[note.code for note in message.origin.notes] for message in messages[:2]] == [[], ["lost-refusal"]]


def test_what_openai_ran_for_an_answer_is_a_call_with_what_came_of_it() -> None:
    """langchain-openai 1.7.4 keeps items of the Responses API in the content, and versions before 1 put them beside it."""
    ran = [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "shop"}},
        {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1+1", "container_id": "c_1",
         "outputs": [{"type": "logs", "logs": "2"}]},
        {"type": "mcp_call", "id": "mcp_1", "name": "stock", "arguments": "{}", "server_label": "shop", "output": None,
         "error": "no such order"},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="},
    ]  # fmt: skip
    said = {"type": "text", "text": "It is sent."}
    for fields in ({"content": [*ran, said]}, {"content": [said], "additional_kwargs": {"tool_outputs": ran}}):
        (message,) = messages_of(conversation_in([{"type": "ai", "data": fields}]))
        calls = [(call.name, call.output, call.outcome) for call in message.tool_calls]
        assert calls == [
            ("web_search", "completed", ""), ("code_interpreter", "2", ""), ("stock", "no such order", "error"),
            ("image_generation", "completed", ""),
        ]  # fmt: skip
        assert sorted(type(part).__name__ for part in message.parts) == ["ImagePart", "TextPart"]


def test_a_summary_that_an_agent_put_in_is_not_what_the_customer_said() -> None:
    """SummarizationMiddleware of langchain 1.5.2 writes it as a message of the user's."""
    summary = {"content": "Summary: the order is late.", "additional_kwargs": {"lc_source": "summarization"}}
    asked = {"content": "And now?", "additional_kwargs": {}}
    messages = messages_of(conversation_in([{"type": "human", "data": data} for data in (summary, asked)]))
    assert [(message.role, message.name) for message in messages] == [("developer", "summarization"), ("user", "")]


def test_messages_converted_for_openai_have_each_call_once() -> None:
    messages = messages_of(conversation_in("langchain_openai.json"))
    assert text_of(messages[2]) == "Let me look at both orders."
    assert len(messages[2].tool_calls) == 2


@pytest.mark.parametrize("as_text", [False, True])
def test_rows_of_a_history_are_joined_by_session_in_the_order_of_their_numbers(as_text: bool) -> None:
    said = json.loads((FILES / "langchain_dicts.json").read_text())
    rows = [
        {"id": n, "session_id": session, "message": json.dumps(message) if as_text else message}
        for session in ("case-1", "case-2")
        for n, message in enumerate(said)
    ]
    found = conversations_in("\n".join(json.dumps(row) for row in rows[::-1]).encode())
    assert {each.id for each in found} == {"langchain-case-1", "langchain-case-2"}
    for each in found:
        assert [message.source for message in messages_of(each)] == [
            message.source for message in messages_of(conversation_in("langchain_dicts.json"))
        ]


def test_checkpoints_have_the_path_to_the_newest_state_and_what_was_left_beside_it() -> None:
    conversation = conversation_in("langgraph_checkpoints.sqlite.gz")
    messages = messages_of(conversation)
    completion = completion_of(conversation)
    assert (conversation.id, completion.metadata) == ("langgraph-case-1", {"user_id": "ann"})
    assert [message.role for message in messages] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    notes = [[note.code for note in message.origin.notes] for message in messages]
    assert notes == [["taken-out"], [], [], [], [], ["other-branches"], []]
    assert REFUSAL in completion.source  # the answer on the branch that was given up


def test_a_thread_of_the_platform_is_known_by_its_id_and_python_text_is_refused_by_name() -> None:
    said = json.loads((FILES / "langchain_streamed.json").read_text())["messages"]
    thread = {
        "thread_id": "5f0c3b1e-2b7d-4a27-9a2c-1f1d4f2f7c11",
        "status": "idle",
        "created_at": "2026-11-30T10:00:00Z",
    }
    state = {"checkpoint": {"thread_id": thread["thread_id"]}, "next": [], "values": {"messages": said[:2]}}
    conversation = conversation_in([thread | {"values": {"messages": said}}, state])
    assert conversation.id == thread["thread_id"]
    assert len(messages_of(conversation)) == len(said)
    (reason,) = refusals_in(thread | {"values": {"messages": ["content='Hello' additional_kwargs={}"]}})
    assert "messages_to_dict" in reason


_CONFIG = {"configurable": {"thread_id": "t1", "checkpoint_ns": "", "checkpoint_id": "c1"}}
_SAID = [
    {"type": "human", "content": "Where is A17?", "id": "m1", "additional_kwargs": {}},
    {"type": "ai", "content": "On its way.", "id": "m2", "additional_kwargs": {}},
]
_CHECKPOINT = {"v": 4, "id": "c1", "ts": "2026-01-02T03:04:05+00:00", "channel_values": {"messages": _SAID}}
_SNAPSHOT = [{"messages": _SAID}, [], _CONFIG, {"user": "ann"}, "2026-01-02T03:04:05+00:00", None, [], []]
_BLOB = {"thread_id": "t1", "checkpoint_ns": "", "channel": "messages", "version": "2", "type": "json"}


@pytest.mark.parametrize(
    "given",
    [
        _SNAPSHOT,
        [_SNAPSHOT],
        [_CONFIG, _CHECKPOINT, {"user": "ann"}, None, []],
        {"config": _CONFIG, "checkpoint": _CHECKPOINT, "metadata": {"user": "ann"}, "parent_config": None},
        [
            {"thread_id": "t1", "checkpoint_ns": "", "checkpoint_id": "c1", "metadata": {"user": "ann"},
             "checkpoint": _CHECKPOINT | {"channel_values": {}, "channel_versions": {"messages": "2"}}},
            _BLOB | {"blob": "\\x" + json.dumps(_SAID).encode().hex()},
            _BLOB | {"version": "1", "blob": base64.b64encode(json.dumps(_SAID[:1]).encode()).decode()},
            _BLOB | {"version": "3", "channel": "next", "blob": "\\x" + b'"end"'.hex()},
        ],
    ],
)  # fmt: skip
def test_a_thread_of_langgraph_is_read_from_all_that_its_parts_write(given: Any) -> None:
    conversation = conversation_in(given)
    completion = completion_of(conversation)
    assert (conversation.id, completion.metadata) == ("langgraph-t1", {"user": "ann"})
    assert completion.created is not None
    assert completion.created.isoformat() == "2026-01-02T03:04:05+00:00"
    assert [(each.role, text_of(each)) for each in messages_of(conversation)] == [
        ("user", "Where is A17?"), ("assistant", "On its way."),
    ]  # fmt: skip


def test_messages_that_python_wrote_as_texts_say_who_speaks_by_their_class() -> None:
    call = "{'name': 'find', 'args': {'order': 'A17'}, 'id': 'c1', 'type': 'tool_call'}"
    texts = [
        "HumanMessage(content='Where is A17?', additional_kwargs={}, response_metadata={})",
        f"AIMessage(content='', additional_kwargs={{}}, response_metadata={{}}, tool_calls=[{call}])",
        "ToolMessage(content='Found.', tool_call_id='c1')",
    ]
    messages = messages_of(conversation_in(texts))
    assert [message.role for message in messages] == ["user", "assistant", "tool"]
    assert [call.arguments for call in messages[1].tool_calls] == ['{"order": "A17"}']


def test_texts_without_a_class_are_refused_in_one_sentence() -> None:
    texts = ["content='Where is A17?' additional_kwargs={}", "content='On its way.' additional_kwargs={}"]
    assert refusals_in(texts) == [
        "This is a list of texts: it does not say who said what in a way that a program can read."
    ]


def n8n_rows(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Write rows of n8n's table `n8n_chat_histories`."""
    beside = {"additional_kwargs": {}, "response_metadata": {}}
    return [{"id": n, "session_id": "s1", "message": message | beside} for n, message in enumerate(messages, start=1)]


@pytest.mark.parametrize(
    ("results", "is_told"),
    [
        (['[{"order": "A17] "}]', '"none"'], True),
        (["on its way", "rain"], True),
        (["on [its] way", "rain"], False),
    ],
    ids=["JSON", "texts", "a text that may have ended before"],
)
def test_tools_that_n8n_writes_before_an_answer_are_calls(results: list[str], is_told: bool) -> None:
    """The customer saw only the answer. Where it cannot be told which words are the answer's, the text stays whole."""
    used = [
        f'Tool: {name}, Input: {{"query":"A17"}}, Result: {result}'
        for name, result in zip(["look_up", "weather"], results, strict=True)
    ]
    answer = f"[Used tools: {'; '.join(used)}] It is [late]."
    asked = {"type": "human", "content": "Where is A17?"}
    messages = messages_of(conversation_in(n8n_rows(asked, {"type": "ai", "content": answer, "tool_calls": []})))
    if not is_told:
        assert text_of(messages[-1]) == answer
        return
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [(call.name, call.arguments) for call in messages[1].tool_calls] == [
        ("look_up", '{"query":"A17"}'), ("weather", '{"query":"A17"}'),
    ]  # fmt: skip
    assert [result_text(message, message.results[0]) for message in messages[2:4]] == results
    assert text_of(messages[-1]) == "It is [late]."


def test_a_text_of_n8n_that_only_says_the_call_beside_it_is_not_shown_as_said() -> None:
    call = {"id": "c1", "name": "look_up", "args": {"query": "A17"}, "type": "tool_call"}
    said = {"type": "ai", "content": 'Calling look_up with input: {"query":"A17"}', "tool_calls": [call]}
    result = {"type": "tool", "content": "late", "tool_call_id": "c1", "name": "look_up"}
    (called, _result) = messages_of(conversation_in(n8n_rows(said, result)))
    assert (text_of(called), called.tool_calls[0].name) == ("", "look_up")
    spoken = said | {"content": "Calling look_up with input: soon"}
    assert text_of(messages_of(conversation_in(n8n_rows(spoken, result)))[0]) == spoken["content"]
