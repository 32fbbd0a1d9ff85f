from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from tests.formats.files import FILES, choices_of, completion_of, conversations_in, messages_of, refusals_in
from tests.formats.zipping import zipped_by_zstandard
from viewer.completions.types import ImagePart, RefusalPart


def test_a_log_is_read_sample_by_sample_with_what_was_attached() -> None:
    failed, orders, picture = conversations_in("inspect_log.json")
    assert [message.error[:18] for message in messages_of(failed)] == ["", "", "ModelGenerateError"]
    messages = messages_of(orders)
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert [(call.id, call.name, call.arguments) for call in messages[2].tool_calls] == [
        ("call_135a", "order_status", '{"order_id": "A17"}'),
        ("call_135b", "order_status", '{"order_id": "A18"}'),
    ]
    (sent,), (missing,) = messages[3].results, messages[4].results
    assert (sent.call_id, missing.call_id) == ("call_135a", "call_135b")
    assert (sent.outcome == missing.outcome, messages[4].parts[0].text) == (False, "no such order")
    completion = completion_of(orders)
    assert (completion.model, completion.metadata["ticket"], completion.metadata["scores"]) == (
        "gpt-4.1-2025", "4711", '{"includes": "C"}',
    )  # fmt: skip
    assert choices_of(orders)[0].finish_reason == "stop"
    asked, answer = messages_of(picture)[1:]
    (image,) = (part for part in asked.parts if isinstance(part, ImagePart))
    assert image.url.startswith("data:image/png;base64,iVBOR")
    assert answer.reasoning[0].text == "Let me think it over."


def test_a_sample_alone_has_refusals_sources_and_all_answers() -> None:
    said = {"id": "m2", "role": "assistant", "content": [{"type": "text", "text": "I cannot.", "refusal": True}]}
    cited = {"type": "url", "url": "https://shop.example/", "title": "Shop", "cited_text": [0, 5]}
    other = {"id": "m3", "role": "assistant", "content": [{"type": "text", "text": "There.", "citations": [cited]}]}
    sample = {
        "id": "t1", "epoch": 2, "target": "x", "input": "Where?", "messages": [{"role": "user", "content": "Where?"}, said],
        "output": {"choices": [{"message": said, "stop_reason": "content_filter"}, {"message": other}]},
    }  # fmt: skip
    (conversation,) = conversations_in(sample)
    _, refused, answer = messages_of(conversation)
    assert isinstance(refused.parts[0], RefusalPart)
    assert [citation.url for citation in answer.citations] == ["https://shop.example/"]
    assert (conversation.id, choices_of(conversation)[0].finish_reason) == ("inspect-t1-2", "content_filter")


def test_the_head_of_a_log_says_that_it_has_no_samples() -> None:
    head = json.loads((FILES / "inspect_log.json").read_text()) | {"samples": None}
    (reason,) = refusals_in(head)
    assert "without samples" in reason


def _deflated(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _by_zstandard(members: dict[str, bytes]) -> bytes:
    return zipped_by_zstandard({name: (content[:200], content[200:]) for name, content in members.items()})


@pytest.mark.parametrize("zipped", [_deflated, _by_zstandard])
def test_a_log_in_an_archive_is_its_samples_with_what_its_head_says_of_all(zipped: Callable[..., bytes]) -> None:
    """inspect-ai 0.3.285 packs the members with Zstandard, and one of more than 200 MiB in several frames."""
    asked = [{"role": "user", "content": "A17?"}]
    sample = {"id": 1, "epoch": 1, "target": "", "input": "A17?", "messages": asked, "output": {"choices": []}}
    head = {"eval": {"task": "shop", "created": "2026-11-30T00:53:20Z"}, "plan": {}, "status": "success"}
    summaries = [{"id": 1, "epoch": 1, "input": "A17?", "target": "", "scores": {}}]
    members = dict.fromkeys(("header.json", "_journal/start.json"), head)
    members |= dict.fromkeys(("summaries.json", "_journal/summaries/1.json", "reductions.json"), summaries)
    members |= {"samples/1_epoch_1.json": sample}
    packed = zipped({name: json.dumps(value).encode() for name, value in members.items()})
    (conversation,) = conversations_in(packed)
    completion = completion_of(conversation)
    created = completion.created
    assert (completion.metadata["task"], created and created.timestamp()) == ("shop", 1796000000)
