"""All families, in the order in which they are asked whether a document is theirs."""

from __future__ import annotations

from typing import Any

from .families import (
    agno,
    autogen,
    chatgpt,
    claude_ai,
    haystack,
    langchain,
    langgraph,
    librechat,
    llama_index,
    llm,
    open_webui,
    openai_agents,
    openai_chat,
    pydantic_ai,
    responses_records,
    semantic_kernel,
)
from .family import Family

# Each knows its own by marks that nobody else has; OpenAI's, which takes anything with messages, comes last.
FAMILIES: tuple[Family, ...] = (
    agno.FAMILY,
    autogen.FAMILY,
    chatgpt.FAMILY,
    claude_ai.FAMILY,
    haystack.FAMILY,
    langchain.FAMILY,
    langgraph.FAMILY,
    librechat.FAMILY,
    llama_index.FAMILY,
    llm.FAMILY,
    open_webui.FAMILY,
    openai_agents.FAMILY,
    pydantic_ai.FAMILY,
    responses_records.FAMILY,
    semantic_kernel.FAMILY,
    openai_chat.FAMILY,
)


def family_of(value: Any) -> Family | None:
    """Return the family whose record a value is, or None."""
    return next((family for family in FAMILIES if family.matches(value)), None)


def title_of(name: str) -> str:
    """Return how the tools of a family call themselves; empty if there is no such family."""
    return next((family.title for family in FAMILIES if family.name == name), "")


def is_item(value: Any) -> bool:
    """Whether a value is an item of a list that is one record, such as a message: not a record of its own."""
    if family_of(value) is not None:
        return False
    return family_of([value]) is not None or (isinstance(value, dict) and openai_chat.is_chat_message(value))
