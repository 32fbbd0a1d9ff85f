"""What each route of the URLconf shows, as an action of the read log. tests/read_log walks the URLconf."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext_lazy, pgettext_lazy

from viewer.web.logs import route_of

LABELS = {
    "conversation": gettext_lazy("Conversation opened"),
    "messages": gettext_lazy("Further messages loaded"),
    "find": gettext_lazy("Words looked for in it"),
    "search": gettext_lazy("Archive searched"),
    "list": gettext_lazy("List of conversations"),
    "shares": gettext_lazy("Shares"),
    "for you": gettext_lazy("For you"),
    "json": gettext_lazy("JSON"),
    "part": gettext_lazy("Image, sound, file or text"),
    "tool call": gettext_lazy("Tool call or result"),
    "remote image": gettext_lazy("Image on another host"),
    "transcript": gettext_lazy("Transcript"),
    "print": pgettext_lazy("action", "Print"),
    "api": gettext_lazy("Answer of the API"),
    "metadata": gettext_lazy("Metadata changed"),
    "share": gettext_lazy("Share opened"),
    "upload": gettext_lazy("Uploaded file"),
    "note": gettext_lazy("Notes or verdicts"),
    "read log": gettext_lazy("Read log"),
    "erase": gettext_lazy("Erased for good"),
    "prune": gettext_lazy("Old rows deleted"),
    "other": gettext_lazy("Other page"),
}

DELETIONS = ("erase", "prune")  # these rows say what was deleted: they are no readings, and stay for ever


@dataclass(frozen=True, slots=True)
class Action:
    """What a route shows. One that `follows` belongs to a page that is open: a minute of them is one row.

    `source` is where it reads if the view does not say; `in_fragment` is the action if htmx asks for it.
    """

    name: str
    follows: bool = False
    source: str = ""
    in_fragment: str = ""


_CONVERSATION = Action("conversation", in_fragment="messages")
_PART = Action("part", follows=True)
_TOOL_CALL = Action("tool call", follows=True)
_REMOTE_IMAGE = Action("remote image", follows=True)
_JSON = Action("json")
_API = Action("api")
# Those with None show no content of a conversation: they redirect, change something, or show what is the person's own.
ROUTES: dict[str, Action | None] = {
    "conversation": _CONVERSATION,
    "permalink": _CONVERSATION,
    "answer": _CONVERSATION,
    "find": Action("find", follows=True),
    "search": Action("search", source="archive", in_fragment="search"),
    "palette": Action("search", follows=True, source="archive"),
    "completions": Action("list", in_fragment="list"),
    "beside": Action("list", follows=True, source="archive"),
    "customer": Action("list", source="archive", in_fragment="list"),
    "filter-choices": Action("list", follows=True, source="archive"),
    "raw": _JSON,
    "raw-message": _JSON,
    "raw-choice": _JSON,
    "part": _PART,
    "choice-part": _PART,
    "tool-call": _TOOL_CALL,
    "choice-tool-call": _TOOL_CALL,
    "tool-output": _TOOL_CALL,
    "choice-tool-output": _TOOL_CALL,
    "tool-result": _TOOL_CALL,
    "remote-image": _REMOTE_IMAGE,
    "choice-remote-image": _REMOTE_IMAGE,
    "transcript": Action("transcript"),
    "print": Action("print"),
    "hand-over": _CONVERSATION,  # it shows what differs
    "erase": Action("conversation", source="archive"),  # it shows the first question
    "for-you": Action("for you"),
    **dict.fromkeys(
        ("note-on-conversation", "note-on-message", "note-on-answer", "note", "delete-note", "verdict"),
        Action("note", follows=True),
    ),
    "verdict-list": Action("list", source="archive"),
    "viewer.api.views.completions": _API,
    "viewer.api.views.completion": _API,
    "viewer.api.views.messages": _API,
    "viewer.api.views.imports": None,
    "viewer.api.views.nowhere": None,
    **dict.fromkeys(f"viewer.telemetry.views.{name}" for name in ("traces", "logs", "metrics", "grpc", "nowhere")),
    **dict.fromkeys(("shared", "shared-message", "shared-answer"), Action("share", in_fragment="messages")),
    **dict.fromkeys(("shared-raw", "shared-raw-message", "shared-raw-choice"), _JSON),
    **dict.fromkeys(("shared-part", "shared-choice-part"), _PART),
    **dict.fromkeys(
        ("shared-call", "shared-choice-call", "shared-output", "shared-choice-output", "shared-result"), _TOOL_CALL
    ),
    "shared-transcript": Action("transcript"),
    **dict.fromkeys(("make-share", "share-message", "change-share"), Action("conversation", in_fragment="messages")),
    **dict.fromkeys(
        ("my-shares", "shared-with-me", "all-shares", "share", "revoke-share"), Action("shares", source="share")
    ),
    "upload": Action("upload", source="archive"),
    "upload-first": Action("messages", follows=True),
    "upload-first-part": _PART,
    "read-log": Action("read log"),
    "read-log-csv": Action("read log"),
    "my-read-log": Action("read log"),
    **dict.fromkeys(
        (
            "home", "open", "next", "previous", "next-unseen", "forget-seen", "go-to", "go", "first-unseen",
            "mark-list-seen", "rail", "save-view", "saved-view", "delete-view", "choose-view", "choose-language",
            "api-keys", "choose-source", "api-key", "test-api-key", "delete-api-key", "imports", "import-run",
            "import", "import-apps", "upload-file", "upload-part", "upload-progress",
            "old-imports", "old-import-run", "save", "shortcuts", "tokens", "revoke-token", "account_login",
            "account_logout",
            "session", "account_change_password", "account_set_password", "account_reset_password", "account_signup",
            "account_inactive", "account_reauthenticate", "confirm-by-single-sign-on", "openid_connect_callback",
            "openid_connect_login", "socialaccount_login_cancelled", "disconnect", "end-sessions", "mfa_index",
            "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn",
            "mfa_authenticate", "mfa_login_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
            "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "people", "person",
            "person-reset", "read-notes", "marks", "labels", "label", "delete-label", "verdicts", "verdict-reasons",
            "person-state", "invite", "withdraw-invitation", "enter", "health", "ready",
        )
    ),
}  # fmt: skip
_OTHER = Action("other")
OPENINGS = {one.name for one in ROUTES.values() if one and not one.follows} - {
    *("list", "shares", "for you", "search", "read log"),
}


def action_of(request: HttpRequest) -> Action | None:
    """Return what a request shows, or None. A route that nobody entered is recorded too: a row too many is right."""
    route = route_of(request)
    if route == "none" or (route == "viewer.api.views.completion" and request.method in ("POST", "DELETE")):
        return None  # the latter have written their row with what they changed
    action = ROUTES.get(route, _OTHER)
    htmx = getattr(request, "htmx", None)
    if action and action.in_fragment and htmx and not htmx.history_restore_request:
        return Action(action.in_fragment, follows=True, source=action.source)
    return action
