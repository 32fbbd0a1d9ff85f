"""All families, in the order in which they are asked whether a document is theirs."""

from __future__ import annotations

from typing import Any

from .families import (
    braintrust,
    chatgpt,
    claude_ai,
    helicone,
    langchain,
    langfuse,
    langgraph,
    langsmith,
    librechat,
    litellm,
    llm,
    message_rows,
    mlflow,
    open_webui,
    openai_agents,
    openai_batch,
    openai_chat,
    openai_completions,
    opik,
    pairs,
    preferences,
    pydantic_ai,
    responses_records,
    semantic_kernel,
    sharegpt,
)
from .family import Family

# Each knows its own by marks that nobody else has; OpenAI's, which takes anything with messages, comes last.
FAMILIES: tuple[Family, ...] = (
    braintrust.FAMILY,
    helicone.FAMILY,
    langfuse.FAMILY,
    langsmith.FAMILY,
    litellm.FAMILY,
    mlflow.FAMILY,
    opik.FAMILY,
    chatgpt.FAMILY,
    claude_ai.FAMILY,
    langchain.FAMILY,
    langgraph.FAMILY,
    librechat.FAMILY,
    llm.FAMILY,
    open_webui.FAMILY,
    openai_agents.FAMILY,
    pydantic_ai.FAMILY,
    responses_records.FAMILY,
    semantic_kernel.FAMILY,
    openai_batch.FAMILY,
    openai_completions.STREAM,
    openai_completions.FAMILY,
    preferences.FAMILY,
    sharegpt.FAMILY,
    pairs.FAMILY,
    message_rows.FAMILY,
    message_rows.ROWS,
    openai_chat.FAMILY,
)


def family_of(value: Any) -> Family | None:
    """Return the family whose record a value is, or None."""
    return next((family for family in FAMILIES if _is_of(family, value)), None)


def _is_of(family: Family, value: Any) -> bool:
    """Ask a family; a list or a number where it expects something else is not one of its records."""
    try:
        return family.matches(value)
    except (TypeError, AttributeError, KeyError, IndexError, ValueError, RecursionError):
        return False


def title_of(name: str) -> str:
    """Return how the tools of a family call themselves; empty if there is no such family."""
    return next((family.title for family in FAMILIES if family.name == name), "")


def is_item(value: Any) -> bool:
    """Whether a value is an item of a list that is one record, such as a message: not a record of its own."""
    return not is_record(value) and family_of([value]) is not None


def is_record(value: Any) -> bool:
    """Whether a value is a record also where it stands in a list."""
    family = family_of(value)
    return family is not None and not family.is_part
