"""An OpenID Connect provider with a process of its own: the package oidc-provider-mock, built on Authlib."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.http import HttpResponse
from django.test import Client

from tests.pages import element
from tests.processes import until
from tests.servers import free_port


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A provider on this machine, in which anybody can be anybody."""

    issuer: str

    def know(self, subject: str, **claims: Any) -> None:
        """Tell the provider what to say of somebody."""
        requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=30).raise_for_status()

    def sign_in(self, leaving: HttpResponse, subject: str, *, is_denied: bool = False) -> str:
        """Do what a person does at the provider, and return the path on our site where it sends them."""
        address = element(leaving.text, "main a.button--primary").attributes["href"]
        form = {"action": "deny"} if is_denied else {"sub": subject}
        answer = requests.post(str(address), data=form, allow_redirects=False, timeout=30)
        back = urlsplit(answer.headers["Location"])._replace(scheme="", netloc="")
        if is_denied and "state=" not in back.query:  # which version 0.3.4 forgets (RFC 6749, 4.1.2.1)
            back = back._replace(query=f"{back.query}&state={parse_qs(urlsplit(str(address)).query)['state'][0]}")
        return back.geturl()

    def enter(self, browser: Client, subject: str, page: str = "/login/elsewhere/", **form: str) -> HttpResponse:
        """Sign in on our site by way of the provider."""
        answer: Any = browser.get(self.sign_in(browser.post(page, form), subject))
        return answer


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    provider = IdentityProvider(f"http://127.0.0.1:{port}")
    try:
        until(lambda: _answers(provider))
        yield provider
    finally:
        process.terminate()
        process.wait()


def _answers(provider: IdentityProvider) -> bool:
    try:
        return requests.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=30).ok
    except requests.ConnectionError:
        return False
