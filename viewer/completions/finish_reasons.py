"""Says why an answer ended, in one spelling for all servers."""

from __future__ import annotations

_SPELLINGS = {  # of other servers
    **dict.fromkeys(("end_turn", "eos", "eos_token", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens"), "length"),
    **dict.fromkeys(("safety", "refusal"), "content_filter"),
    "tool_use": "tool_calls",
}


def canonical_finish_reason(reason: str) -> str:
    """Return OpenAI's name for the finish reason of any server, or an unknown one as it is."""
    reason = reason.lower()
    return _SPELLINGS.get(reason, reason)
