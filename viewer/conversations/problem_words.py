"""What a reader is told of each problem: what happened, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from viewer.client.problems import Problem, ProblemName


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in words. `said` is what the other side answered, for the fold; `status` is the page's own."""

    name: ProblemName
    title: str
    advice: str
    said: str
    status: int
    wait: int = 0  # whole seconds after which it is worth trying again
    request_id: str = ""


_WORDS: dict[ProblemName, tuple[str, str, int]] = {
    "invalid-key": ("The API key was refused", "Replace the key, then try again.", 502),
    "forbidden": ("This API key may not read here", "Ask the person who gave you the key for the right to read.", 502),
    "not-found": (
        "No stored completion with this id",
        "It was deleted, never stored, or not stored yet: a new one takes some seconds. Check the id, or try again.",
        404,
    ),
    "rate-limited": ("Too many questions at once", "Wait a moment, then try again. Nothing is lost.", 503),
    "quota-exhausted": ("The account's quota is used up", "Waiting does not help: ask the account's owner.", 502),
    "unsupported": ("This server cannot do that", "Open a conversation by its id instead.", 502),
    "unavailable": ("The source does not answer", "What is on the page stays. Try again in a moment.", 503),
    "timeout": ("The source took too long", "What is on the page stays. Try again in a moment.", 504),
    "too-large": ("The answer is too large to show", "Open the conversation at another message.", 502),
    "unreadable": (
        "The answer cannot be read",
        "It is not what this API answers. Try again, or tell the server's owner.",
        502,
    ),
    "bad-request": (
        "The question was refused",
        "The place to go on from may be gone. Open the conversation from its start.",
        400,
    ),
}
_NO_SUCH_MESSAGE = (
    "No message with this id in the conversation",
    "Check the link, or read the conversation from its start.",
    404,
)


def tell(problem: Problem) -> Told:
    """Put a problem in words."""
    is_message = problem.name == "not-found" and problem.param == "message_id"
    title, advice, status = _NO_SUCH_MESSAGE if is_message else _WORDS[problem.name]
    wait = math.ceil(problem.retry_after) if problem.retry_after else 0
    return Told(problem.name, title, advice, problem.said, status, wait, problem.request_id)
