"""All families, in the order in which they are asked whether a document is theirs."""

from __future__ import annotations

from typing import Any

from .families import (
    ag_ui,
    agent_framework,
    agentforce,
    agno,
    ai_sdk,
    ai_sdk_results,
    ai_sdk_streams,
    amazon_connect,
    amazon_lex,
    anthropic_records,
    assistants,
    autogen,
    bedrock_records,
    bot_framework,
    botpress,
    braintrust,
    chainlit,
    chatgpt,
    chatwoot,
    claude_ai,
    crewai,
    crisp,
    deepseek,
    dialogflow,
    dify,
    dspy,
    elevenlabs,
    flowise,
    freshchat,
    freshdesk,
    front,
    gemini_apps,
    genesys,
    google_adk,
    google_records,
    gorgias,
    gradio,
    grok,
    haystack,
    helicone,
    help_scout,
    hubspot,
    inspect_ai,
    intercom,
    jira,
    kustomer,
    langchain,
    langflow,
    langfuse,
    langgraph,
    langsmith,
    le_chat,
    librechat,
    litellm,
    livechat,
    livekit,
    llama_index,
    llm,
    lm_studio,
    mem0,
    message_rows,
    mlflow,
    n8n,
    ollama,
    open_webui,
    openai_agents,
    openai_batch,
    openai_chat,
    openai_completions,
    opentelemetry,
    opik,
    pairs,
    parlant,
    phoenix,
    preferences,
    promptfoo,
    pydantic_ai,
    rasa,
    realtime,
    responses_records,
    retell,
    salesforce,
    semantic_kernel,
    sharegpt,
    silly_tavern,
    slack,
    smolagents,
    sunshine,
    teams,
    typebot,
    telegram,
    twilio,
    vapi,
    voiceflow,
    whatsapp,
    whatsapp_api,
    zammad,
    zendesk,
    zoho_desk,
)
from .family import Family

# First those that know their own by marks that nobody else has, then, from the special to the general, those that take
# what many tools write; OpenAI's, which takes anything with messages, comes last.
FAMILIES: tuple[Family, ...] = (
    openai_completions.STREAM,  # of which a conversation has hundreds
    ag_ui.FAMILY,
    agent_framework.FAMILY,
    agentforce.FAMILY,
    agno.FAMILY,
    ai_sdk_results.FAMILY,
    amazon_connect.FAMILY,
    amazon_lex.FAMILY,
    assistants.FAMILY,
    autogen.FAMILY,
    bedrock_records.FAMILY,
    bedrock_records.SESSIONS,
    bot_framework.FAMILY,
    botpress.FAMILY,
    braintrust.FAMILY,
    chainlit.FAMILY,
    chatgpt.FAMILY,
    chatwoot.FAMILY,
    claude_ai.FAMILY,
    crewai.FAMILY,
    crisp.FAMILY,
    deepseek.FAMILY,
    dialogflow.FAMILY,
    dify.FAMILY,
    dspy.FAMILY,
    elevenlabs.FAMILY,
    flowise.FAMILY,
    freshchat.FAMILY,
    freshdesk.FAMILY,
    front.FAMILY,
    gemini_apps.FAMILY,
    genesys.FAMILY,
    google_adk.FAMILY,
    gorgias.FAMILY,
    gradio.FAMILY,
    grok.FAMILY,
    haystack.FAMILY,
    helicone.FAMILY,
    help_scout.FAMILY,
    hubspot.FAMILY,
    inspect_ai.FAMILY,
    intercom.FAMILY,
    jira.FAMILY,
    kustomer.FAMILY,
    langchain.FAMILY,
    langflow.FAMILY,
    langfuse.FAMILY,
    langgraph.FAMILY,
    langsmith.FAMILY,
    le_chat.FAMILY,
    librechat.FAMILY,
    livechat.FAMILY,
    livekit.FAMILY,
    litellm.FAMILY,
    llama_index.FAMILY,
    llm.FAMILY,
    lm_studio.FAMILY,
    mem0.FAMILY,
    mlflow.FAMILY,
    n8n.FAMILY,
    ollama.FAMILY,
    open_webui.FAMILY,
    openai_agents.FAMILY,
    opentelemetry.FAMILY,
    opik.FAMILY,
    parlant.FAMILY,
    phoenix.FAMILY,
    promptfoo.FAMILY,
    pydantic_ai.FAMILY,
    rasa.FAMILY,
    realtime.FAMILY,
    responses_records.FAMILY,
    retell.FAMILY,
    salesforce.FAMILY,
    semantic_kernel.FAMILY,
    silly_tavern.FAMILY,
    slack.FAMILY,
    smolagents.FAMILY,
    sunshine.FAMILY,
    teams.FAMILY,
    typebot.FAMILY,
    telegram.FAMILY,
    twilio.FAMILY,
    vapi.FAMILY,
    voiceflow.FAMILY,
    whatsapp.FAMILY,
    whatsapp_api.FAMILY,
    zammad.FAMILY,
    zendesk.FAMILY,
    zoho_desk.FAMILY,
    ai_sdk.FAMILY,
    ai_sdk_streams.FAMILY,
    anthropic_records.FAMILY,
    google_records.FAMILY,
    openai_batch.FAMILY,
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


def what_of(name: str) -> str:
    """Return what a record of a family is, with its article, in the reader's language; empty if there is none."""
    return next((str(family.what) for family in FAMILIES if family.name == name), "")


def is_item(value: Any) -> bool:
    """Whether a value is an item of a list that is one record, such as a message: not a record of its own."""
    return not is_record(value) and family_of([value]) is not None


def is_record(value: Any) -> bool:
    """Whether a value is a record also where it stands in a list."""
    family = family_of(value)
    return family is not None and not family.is_part
