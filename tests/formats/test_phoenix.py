from __future__ import annotations

import csv
import io
import json

from tests.formats.files import FILES, completion_of, conversations_in, messages_of, refusals_in


def test_an_example_has_its_results_at_the_calls_to_which_they_belong() -> None:
    conversations = conversations_in("phoenix_dataset.jsonl")
    messages = messages_of(conversations[-1])
    asked = next(message for message in messages if message.tool_calls)
    assert [call.arguments for call in asked.tool_calls] == ['{"order_id": "A17"}', '{"order_id": "A18"}']
    results = [result.call_id for message in messages for result in message.results]
    assert results == [call.id for call in asked.tool_calls]
    assert [note.code for note in messages[-1].origin.notes] == ["lost-refusal"]
    assert completion_of(conversations[-1]).metadata["ticket"] == "4711"
    assert conversations[-1].id.startswith("phoenix-RGF0")


def test_a_page_of_examples_and_a_table_say_the_same() -> None:
    examples = [json.loads(line) for line in (FILES / "phoenix_dataset.jsonl").read_text().splitlines()]
    written = [conversation.messages for conversation in conversations_in("phoenix_dataset.jsonl")]
    page = {"data": {"dataset_id": "d", "version_id": "v", "examples": examples}}
    assert len(conversations_in(page)) == len(examples)
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["id", "node_id", "input.messages", "output.messages", "metadata.ticket"])
    for each in examples:
        messages = (json.dumps(each[side]["messages"], ensure_ascii=False) for side in ("input", "output"))
        rows.writerow([each["id"], each["node_id"], *messages, each["metadata"]["ticket"]])
    found = conversations_in(table.getvalue().encode())
    assert [conversation.messages for conversation in found] == written
    assert completion_of(found[0]).metadata["ticket"] == "4711"


def test_an_example_of_plain_texts_is_read_and_one_of_other_things_is_refused() -> None:
    plain = {"id": "1", "node_id": "1", "input": {"question": "A17?"}, "output": {"answer": "Sent."}, "metadata": {}}
    (conversation,) = conversations_in(plain)
    assert [message.role for message in messages_of(conversation)] == ["user", "assistant"]
    (reason,) = refusals_in(plain | {"input": {"score": 3, "weight": 4}})
    assert "Phoenix" in reason
