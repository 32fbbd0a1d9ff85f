"""Whose token a request has, what it may do, and how an endpoint refuses what it may not."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from viewer.accounts.roles import may_curate
from viewer.completions.errors import ApiError, to_body
from viewer.keys.models import PREFIX, RIGHTS, AccessToken
from viewer.web.logs import note_person
from viewer.web.request import note_of

View = Callable[..., HttpResponseBase]
Answer = Callable[[HttpRequest, "Refused"], HttpResponse]
_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
_BASIC = re.compile(r"Basic +(\S+) *", re.IGNORECASE)
_HEADERS_OF_KEYS = ("api-key", "x-api-key")


class Refused(Exception):
    """A request that is not answered, and why."""

    def __init__(self, status: int, error: ApiError, headers: dict[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status, self.error, self.headers = status, error, headers or {}


def in_words_of_the_api(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return a refusal in the format of OpenAI's API."""
    response = error_response(refused.status, refused.error)
    for name, value in refused.headers.items():
        response[name] = value
    return response


def endpoint(methods: str, answer_with: Answer = in_words_of_the_api) -> Callable[[View], View]:
    """Make a view an endpoint for programs that answers these methods, and refuses everything else in their format.

    A program has no session; a POST must get that format, not a page about cookies.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def answer(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
            if request.method == "OPTIONS":
                return HttpResponse(status=204, headers={"Allow": methods})
            try:
                if request.method not in methods.split(", "):
                    message = f"Only these methods are accepted here: {methods}."
                    raise Refused(405, ApiError(message, code="method_not_supported"), {"Allow": methods})
                return view(request, *args, **kwargs)
            except Refused as refused:
                return answer_with(request, refused)
            except DatabaseError:
                error = ApiError("The archive does not answer. Try again in a moment.", type="server_error")
                return answer_with(request, Refused(503, error, {"Retry-After": "5"}))

        return answer

    return decorate


def token_of(request: HttpRequest) -> AccessToken:
    """Return the token that a request sends as its bearer token. Raises Refused."""
    authorization = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if authorization is None:
        message = "You didn't provide an access token. Send it as Authorization: Bearer YOUR_TOKEN."
        raise _not_authenticated(message, None)
    return token_with(authorization[1])


def token_however_sent(request: HttpRequest) -> AccessToken:
    """Return the token in any header in which an exporter may send it. Raises Refused.

    In `https://x:TOKEN@host` it is a password or a user name, which HTTP libraries send as Basic.
    """
    given = request.headers.get("Authorization", "")
    if basic := _BASIC.fullmatch(given):
        return token_with(_secret_in(basic[1]))
    key = next((request.headers[name] for name in _HEADERS_OF_KEYS if request.headers.get(name)), "")
    return token_with(key.strip()) if key and not given else token_of(request)


def _secret_in(credentials: str) -> str:
    """Return the token in the credentials of Basic, by how tokens begin; else the password."""
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return name if name.startswith(PREFIX) and not password.startswith(PREFIX) else password


def token_with(secret: str) -> AccessToken:
    """Return the token with a secret. Raises Refused."""
    token = AccessToken.objects.find(secret)
    if token is None:
        message = "Incorrect API key provided: this access token is unknown or revoked."
        raise _not_authenticated(message, "invalid_api_key")
    note_person(token.owner_id)
    return token


def require(token: AccessToken, right: str, request: HttpRequest) -> None:
    """Refuse a token that may not do something in the archive, now; say on the request whose it is. Raises Refused."""
    note = note_of(request)
    note.person, note.token, note.source = token.owner, token.name, "archive"
    if token.api_key_id is not None:
        raise _not_permitted(
            "This access token reads with an API key, and Lectern changes nothing on other servers. "
            "Use a token for the archive.",
            "read_only_source",
        )
    if right not in token.rights:
        raise _not_permitted(
            f"This access token may not {RIGHTS[right]}. A curator can create one that may, at "
            f"{settings.SITE_URL}/tokens/.",
            "missing_right",
        )
    if not may_curate(token.owner):
        raise _not_permitted(
            f"The owner of this access token is no curator any more, so it may not {RIGHTS[right]}.", "missing_right"
        )


def error_response(status: int, error: ApiError) -> HttpResponse:
    """Return an error in the API's format."""
    return HttpResponse(to_body(error), status=status, content_type="application/json")


def _not_authenticated(message: str, code: str | None) -> Refused:
    url = f"{settings.SITE_URL}/tokens/"
    error = ApiError(f"{message} You can find your access tokens at {url}.", code=code)
    return Refused(401, error, {"WWW-Authenticate": "Bearer"})


def _not_permitted(message: str, code: str) -> Refused:
    return Refused(403, ApiError(message, code=code))
