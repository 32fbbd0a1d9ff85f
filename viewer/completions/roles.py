"""The known roles of messages, and other servers' names for them. Roles are an open set."""

from __future__ import annotations

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# LangChain writes human and ai, Google model, Cohere's first API CHATBOT.
_SPELLINGS = {"human": "user", "ai": "assistant", "model": "assistant", "chatbot": "assistant"}


def canonical_role(role: str) -> str:
    """Return a known role as OpenAI spells it, any other unchanged."""
    plain = role.strip().casefold()
    plain = _SPELLINGS.get(plain, plain)
    return plain if plain in ROLES else role
