"""One turn of an assistant while it is taken apart: its texts, thoughts, calls and results, in their order."""

from __future__ import annotations

from typing import Any

from .drafts import DraftMessage, tool_call


class Turn:
    """Collects what an assistant did until it was the customer's turn again, and makes messages of it.

    A text, a thought or a call after the result of a tool begins another message, as it does in the API.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._drafts: list[DraftMessage] = []
        self._parts: list[dict[str, Any]] = []

    def add(self, *parts: dict[str, Any]) -> None:
        """Add parts to what is said."""
        if parts:
            self._open()
            self._parts += parts

    def think(self, text: str) -> None:
        """Add reasoning."""
        if text:
            draft = self._open()
            draft.reasoning = f"{draft.reasoning}\n\n{text}" if draft.reasoning else text

    def call(self, call_id: str, name: str, arguments: Any) -> None:
        """Add a tool call."""
        self._open().tool_calls.append(tool_call(call_id, name, arguments))

    def result(self, call_id: str, content: Any, name: str = "", **more: Any) -> DraftMessage:
        """Add the result of a call, a text or parts, and return it; `more` has flags such as `is_error`.

        A failed call often has its `error` in the place of a result: it is what the tool said.
        """
        if not content and isinstance(more.get("error"), str):
            content, more = more["error"], {**more, "is_error": True}
            del more["error"]
        self._drafts.append(DraftMessage("tool", content, tool_call_id=call_id, name=name, more=more))
        return self._drafts[-1]

    def messages(self) -> list[DraftMessage]:
        """Return the messages: at least one, which is empty if nothing was said."""
        self.last()
        for draft in self._drafts:
            draft.content = draft.content or None
        return self._drafts

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not self._drafts

    @property
    def ends_with_result(self) -> bool:
        """Whether the last thing that was added is the result of a tool."""
        return bool(self._drafts) and self._drafts[-1].role == "tool"

    def last(self) -> DraftMessage:
        """Return the assistant's last message, for what is known of the whole turn, such as its id."""
        return next((draft for draft in reversed(self._drafts) if draft.role != "tool"), None) or self._open()

    def _open(self) -> DraftMessage:
        if not self._drafts or self._drafts[-1].role == "tool":
            self._parts = []
            self._drafts.append(DraftMessage("assistant", self._parts, name=self._name))
        return self._drafts[-1]
