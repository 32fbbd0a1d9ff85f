"""Who says a message. Roles are an open set; these are known, in the spellings that servers use for them."""

from __future__ import annotations

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# LangChain writes human and ai, Google's API model, Cohere's first API CHATBOT.
_SPELLINGS = {"human": "user", "ai": "assistant", "model": "assistant", "chatbot": "assistant"}


def canonical(role: str) -> str:
    """Give a known role in the spelling of OpenAI, and any other as it came."""
    plain = role.strip().casefold()
    plain = _SPELLINGS.get(plain, plain)
    return plain if plain in ROLES else role
