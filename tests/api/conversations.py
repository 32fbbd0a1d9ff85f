"""Some 25 conversations that differ in everything that may differ, always the same ones."""

from __future__ import annotations

from typing import Any

from tests.conftest import make_choice, make_completion, make_long, say

_UNUSED = {"text": None, "image_url": None, "input_audio": None, "file": None}
_PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


def part(kind: str, value: Any) -> dict[str, Any]:
    """One part as OpenAI stores it: all five keys, the unused ones null."""
    return {"type": kind, **_UNUSED, kind: value}


def function_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def custom_call(call_id: str, name: str, text: str) -> dict[str, Any]:
    return {"id": call_id, "type": "custom", "custom": {"name": name, "input": text}}


def make_varied() -> list[dict[str, Any]]:
    """Those marked `odd` in their metadata hold what no reference page knows; the others fit the pages."""
    calls = [function_call("c1", "find", '{"n": 12345678901234567890}'), function_call("c2", "find", "{not json")]
    cited = {"url": "https://a.example/?utm_source=openai", "title": "A", "start_index": 0, "end_index": 3}
    conversations: dict[str, list[dict[str, Any]]] = {
        "one": [say("user", "write a haiku about ai")],
        "none": [],
        "named": [say("user", "hi", name="bob"), say("system", "Be kind.", name="")],
        "roles": [say(role, role) for role in ("developer", "system", "user", "assistant", "tool", "function")],
        "tools": [
            say("user", "Where?"),
            say("assistant", None, tool_calls=calls),
            say("tool", "there", tool_call_id="c2"),
            say("tool", '{"error": true}', tool_call_id="c1"),
        ],
        "custom": [say("assistant", None, tool_calls=[custom_call("c1", "sql", "SELECT\n\t'<b>' -- é")])],
        "legacy": [
            say("assistant", None, function_call={"name": "f", "arguments": ""}),
            say("function", "9", name="f"),
        ],
        "parts": [
            say(
                "user",
                "Whose logo is this?:  ",
                content_parts=[part("text", "Whose logo is this?: "), part("image_url", {"url": _PNG, "detail": None})],
            ),
            say(
                "user",
                " ",
                content_parts=[
                    part("input_audio", {"data": "UklGRg==", "format": "wav"}),
                    part("file", {"file_data": None, "file_id": "file-1", "filename": "a.pdf"}),
                ],
            ),
            say("user", "", content_parts=[]),
            say(
                "user",
                "remote",
                content_parts=[
                    part("image_url", {"url": "https://a.example/x.png", "detail": "high"}),
                    part("text", "remote"),
                ],
            ),
        ],
        "refused": [say("user", "Do it."), say("assistant", None, refusal="I won't.")],
        "cited": [say("assistant", "See A", annotations=[{"type": "url_citation", "url_citation": cited}])],
        "spoken": [
            say("assistant", None, audio={"id": "a", "expires_at": 1_729_000_000, "data": "UklG", "transcript": "hi"})
        ],
        "unicode": [
            say("user", text)
            for text in (
                "العربية",
                "日本語",
                "👨‍👩‍👧‍👦🏳️‍🌈",
                "e\u0301",
                "\u202eabc",
                "\u2028\u2029\ufeff",
                "a\x00b\x1b[31m",
                "𝒳",
            )
        ],
        "markup": [say("user", "<script>alert(1)</script> &amp; {{7*7}} %s \\u0041 ${x}")],
        "blanks": [say("user", text) for text in ("", " ", "\n\n", "\t x \r\n")],
        "own ids": [{"id": f"msg_{n * 7919 % 101:x}", **say("user", str(n))} for n in range(30)],
        "odd ids": [
            {"id": text, **say("user", text)}
            for text in ("é", "a+b", "a&b=c", "[0]", "a:b@c", "..a", "😀", "'--", "x" * 255)
        ],
        "same ids": [{"id": f"msg_{n}", **say("user", "another conversation")} for n in range(3)],
        "exactly 20": make_long("", 20)["messages"],
        "exactly 21": make_long("", 21)["messages"],
        "exactly 100": make_long("", 100)["messages"],
        "exactly 101": make_long("", 101)["messages"],
        "long": make_long("", 250)["messages"],
        "big": [say("user", "x" * 300_000), say("user", "small")],
        "unknown roles": [say(role, "x") for role in ("critic", "", "USER", "<b>", "assistant ")],
        "unknown parts": [
            say(
                "user",
                "x",
                content_parts=[
                    {"type": "video", "video": {"n": 1}},
                    {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}},
                ],
            )
        ],
        "unknown fields": [
            say(
                "assistant", "x", reasoning_content="because", content_filter_results={"a": [1, 2.5, None]}, total=2**60
            )
        ],
        "unknown calls": [
            say("assistant", None, tool_calls=[{"id": "c", "type": "mcp", "mcp": {"x": 1}}, {"type": "function"}])
        ],
    }
    return [
        _completion(
            n,
            name,
            [{key: value for key, value in message.items() if key != "id" or "ids" in name} for message in messages],
        )
        for n, (name, messages) in enumerate(conversations.items())
    ]


def _completion(n: int, name: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    odd = {"odd": "yes"} if name.startswith("unknown") else {}
    return make_completion(
        f"chatcmpl-{n:02}-{name.replace(' ', '-')}",
        *messages,
        created=1_762_000_000 + n // 3,  # three share a second
        model="gpt-4.1" if n % 2 else "gpt-4.1-mini",
        seed=2**63 - 1 - n,
        metadata={"team": "réd & blue" if n % 3 else "+[x]=%", "third]": str(n % 3), **odd},
        choices=[make_choice(f"answer {n}"), make_choice(None, 1, refusal="No.", finish_reason="content_filter")],
    )


def as_answered(completion: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages as `…/messages` must give them back: `refusal` is always there."""
    return [{**message, "refusal": message.get("refusal")} for message in completion["messages"]]
