"""The texts that describe the problems of a source to a reader: what happened, and what to do."""

from __future__ import annotations

import math
from dataclasses import replace

from django.utils.translation import gettext, gettext_noop

from viewer.client.problems import Cause, Problem, ProblemName
from viewer.web.problem_text import ProblemText

_TEXTS: dict[ProblemName, tuple[str, str, int]] = {
    "invalid-key": (
        gettext_noop("%(source)s rejected the API key"),
        gettext_noop("Replace the key, then try again."),
        502,
    ),
    "forbidden": (
        gettext_noop("%(source)s denied access"),
        gettext_noop("The API key may not read stored conversations. Ask whoever gave you the key."),
        502,
    ),
    "not-found": (
        gettext_noop("You cannot open a conversation with this id"),
        gettext_noop(
            "Nothing that you can read has this id. It may belong to a colleague’s key or be saved for them alone, be "
            "deleted, or not be stored yet, which takes a few seconds."
        ),
        404,
    ),
    "rate-limited": (
        gettext_noop("%(source)s asks to slow down"),
        gettext_noop("Wait a moment, then try again. Nothing is lost."),
        503,
    ),
    "quota-exhausted": (
        gettext_noop("%(source)s has used up its quota"),
        gettext_noop("Waiting does not help. Ask the owner of the account."),
        502,
    ),
    "unsupported": (
        gettext_noop("%(source)s does not serve conversations"),
        gettext_noop("Check the base URL of the API key, which usually ends in /v1."),
        502,
    ),
    "unavailable": (
        gettext_noop("%(source)s is unavailable"),
        gettext_noop("Try again in a moment."),
        503,
    ),
    "timeout": (
        gettext_noop("%(source)s took too long to respond"),
        gettext_noop("Try again in a moment."),
        504,
    ),
    "too-large": (
        gettext_noop("%(source)s sent a response that is too large to show"),
        gettext_noop("Open the conversation at another message."),
        502,
    ),
    "unreadable": (
        gettext_noop("%(source)s sent an invalid response"),
        gettext_noop("It does not match this API. Try again, or tell the owner of the server."),
        502,
    ),
    "bad-request": (
        gettext_noop("%(source)s rejected the request"),
        gettext_noop("Open the conversation from its start. If that fails too, tell the owner of the server."),
        400,
    ),
}
_TEXTS_BY_CAUSE: dict[Cause, tuple[str, str, int]] = {
    "certificate": (
        gettext_noop("No trusted connection to %(source)s"),
        gettext_noop("Tell your administrator the reason below."),
        502,
    ),
    "not-allowed": (
        gettext_noop("%(source)s is no longer allowed"),
        gettext_noop("Your administrator can add its host to API_HOSTS."),
        502,
    ),
    "proxy": (
        gettext_noop("The proxy did not forward the request to %(source)s"),
        gettext_noop("Tell your administrator the reason below."),
        502,
    ),
}
_NO_SUCH_RESPONSE = (
    gettext_noop("You cannot open a response with this id"),
    gettext_noop(
        "Nothing that you can read has this id. OpenAI keeps a response for 30 days, and none for organizations with "
        "zero data retention. It may also belong to a colleague’s key or be saved for them alone, be deleted, or have "
        "been created without storing it."
    ),
    404,
)
_NO_SUCH_MESSAGE = (
    gettext_noop("No message with this id in the conversation"),
    gettext_noop("Check the link, or read the conversation from its start."),
    404,
)
_NO_SUCH_ANSWER = (
    gettext_noop("No answer with this number in the conversation"),
    gettext_noop("Check the link, or read the conversation from its start."),
    404,
)
_TEXTS_OF_LIST: dict[ProblemName, tuple[str, str, int]] = {
    "unsupported": (
        gettext_noop("%(source)s does not support this"),
        gettext_noop("Open a conversation by its id instead."),
        502,
    ),
    "not-found": (
        gettext_noop("%(source)s does not list conversations"),
        gettext_noop("Check the base URL of the API key, which usually ends in /v1, or open a conversation by its id."),
        502,
    ),
    "bad-request": (
        gettext_noop("%(source)s rejected the request"),
        gettext_noop("It may not support this filter. Remove a filter, then try again."),
        400,
    ),
}
_UNKNOWN_LIST_CURSOR = (
    gettext_noop("The list cannot continue from here"),
    gettext_noop("The conversation to continue from may have been deleted. Open the list from its start."),
    400,
)
_UNKNOWN_MESSAGE_CURSOR = (
    gettext_noop("The conversation cannot continue from here"),
    gettext_noop("The message to continue from may have been deleted. Open the conversation from its start."),
    400,
)


def describe(problem: Problem, source: str, *, is_of_list: bool = False, completion_id: str = "") -> ProblemText:
    """Describe a problem of `source`, its label; `is_of_list` if the request was for a list and so had no id."""
    title, advice, status = _texts_for(problem, completion_id, is_of_list=is_of_list)
    is_quoted = bool(problem.status)
    text = ProblemText(
        name=problem.name,
        title=gettext(title) % {"source": source},
        advice=gettext(advice),
        status=status,
        detail=problem.message if is_quoted else gettext(problem.message),
        is_quoted=is_quoted,
        request_id=problem.request_id,
        is_of_list=is_of_list,
        names_source="%(source)s" in title,
        needs_administrator=bool(problem.cause),
    )
    wait = math.ceil(problem.retry_after) if problem.retry_after and text.is_transient else 0
    return replace(text, wait=wait)


def _texts_for(problem: Problem, completion_id: str, *, is_of_list: bool) -> tuple[str, str, int]:
    if problem.cause:
        return _TEXTS_BY_CAUSE[problem.cause]
    match problem.name, problem.param:
        case "not-found", "message_id":
            return _NO_SUCH_MESSAGE
        case "not-found", "position":
            return _NO_SUCH_ANSWER
        case "bad-request", "after":
            return _UNKNOWN_LIST_CURSOR if is_of_list else _UNKNOWN_MESSAGE_CURSOR
        case "not-found", _ if completion_id.startswith("resp_"):
            return _NO_SUCH_RESPONSE
    return (_TEXTS | _TEXTS_OF_LIST if is_of_list else _TEXTS)[problem.name]
