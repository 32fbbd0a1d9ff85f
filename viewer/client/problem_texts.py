"""What a reader sees of each problem: what happened at which source, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from .problems import Cause, Problem, ProblemName

_PASSING = ("rate-limited", "timeout", "unavailable")
_COUNTED_DOWN = 3600  # seconds


@dataclass(frozen=True, slots=True)
class ProblemText:
    """A problem in words. `said` is for the fold, the other side's own words if quoted; `status` is the page's own."""

    name: ProblemName
    title: str
    advice: str
    said: str
    is_quoted: bool
    status: int
    wait: int = 0  # whole seconds after which it is worth trying again
    request_id: str = ""
    is_of_list: bool = False
    needs_administrator: bool = False

    @property
    def is_passing(self) -> bool:
        """Whether it goes away by itself, so that nothing but time is needed."""
        return self.name in _PASSING

    @property
    def leads_to_keys(self) -> bool:
        """Whether another key or another base URL would help."""
        return self.name in ("invalid-key", "forbidden") or (self.is_of_list and self.name == "not-found")

    @property
    def opens_by_id(self) -> bool:
        """Whether the source may open what it cannot list."""
        return self.is_of_list and self.name in ("unsupported", "not-found")

    @property
    def later(self) -> str:
        """When it is worth trying again, where that is too far off to be counted down."""
        if self.wait <= _COUNTED_DOWN:
            return ""
        hours = math.ceil(self.wait / 3600)
        if hours < 48:
            return ngettext("Try again in %(count)d hour.", "Try again in %(count)d hours.", hours) % {"count": hours}
        days = math.ceil(hours / 24)
        return ngettext("Try again in %(count)d day.", "Try again in %(count)d days.", days) % {"count": days}


_WORDS: dict[ProblemName, tuple[str, str, int]] = {
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
        gettext_noop("No conversation with this id"),
        gettext_noop(
            "It was deleted, never stored, or is not stored yet: that takes a few seconds. Check the id, or try again."
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
        gettext_noop("%(source)s does not support this"),
        gettext_noop("Open a conversation by its id instead."),
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
_BEFORE_THE_SERVER: dict[Cause, tuple[str, str, int]] = {
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
_OF_LIST: dict[ProblemName, tuple[str, str, int]] = {
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
_LOST_CONVERSATION = (
    gettext_noop("The list cannot continue from here"),
    gettext_noop("The conversation to continue from may have been deleted. Open the list from its start."),
    400,
)
_LOST_MESSAGE = (
    gettext_noop("The conversation cannot continue from here"),
    gettext_noop("The message to continue from may have been deleted. Open the conversation from its start."),
    400,
)


def describe(problem: Problem, source: str, *, is_of_list: bool = False) -> ProblemText:
    """Put a problem in words; `source` is the name of the source that had it. A list was read without an id."""
    title, advice, status = _words_for(problem, is_of_list=is_of_list)
    wait = math.ceil(problem.retry_after) if problem.retry_after and problem.name in _PASSING else 0
    is_quoted = bool(problem.status)
    said = problem.said if is_quoted else gettext(problem.said)
    return ProblemText(
        name=problem.name,
        title=gettext(title) % {"source": source},
        advice=gettext(advice),
        said=said,
        is_quoted=is_quoted,
        status=status,
        wait=wait,
        request_id=problem.request_id,
        is_of_list=is_of_list,
        needs_administrator=problem.cause in _BEFORE_THE_SERVER,
    )


def _words_for(problem: Problem, *, is_of_list: bool) -> tuple[str, str, int]:
    if problem.cause:
        return _BEFORE_THE_SERVER[problem.cause]
    match problem.name, problem.param:
        case "not-found", "message_id":
            return _NO_SUCH_MESSAGE
        case "not-found", "position":
            return _NO_SUCH_ANSWER
        case "bad-request", "after":
            return _LOST_CONVERSATION if is_of_list else _LOST_MESSAGE
    return (_WORDS | _OF_LIST if is_of_list else _WORDS)[problem.name]
