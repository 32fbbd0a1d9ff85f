"""The request as our views get it: somebody is signed in, and htmx has been asked about."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """For type hints only."""

    user: User
    htmx: HtmxDetails
