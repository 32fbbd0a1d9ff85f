"""All families, in the order in which they are asked whether a document is theirs."""

from __future__ import annotations

from typing import Any

from .families import langchain, langgraph, llama_index, llm, openai_chat, pydantic_ai, semantic_kernel
from .family import Family

# Those with marks that nobody else has come first; OpenAI's, which takes anything with messages, last.
FAMILIES: tuple[Family, ...] = (
    semantic_kernel.FAMILY,
    langgraph.FAMILY,
    langchain.FAMILY,
    llm.FAMILY,
    llama_index.FAMILY,
    pydantic_ai.FAMILY,
    openai_chat.FAMILY,
)


def family_of(value: Any) -> Family | None:
    """Return the family whose record a value is, or None."""
    return next((family for family in FAMILIES if family.matches(value)), None)


def is_item(value: Any) -> bool:
    """Whether a value is an item of a list that is one record, such as a message: not a record of its own."""
    return family_of(value) is None and family_of([value]) is not None
