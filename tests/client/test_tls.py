"""Failures before the server is reached are named: untrusted certificates, and a proxy."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.contrib.auth.models import User
from django.test import Client as Browser

from tests.conftest import make_key
from tests.pages import visible
from viewer.client.client import Client
from viewer.client.http import HttpClient, KeyAuth, Limits, new_session
from viewer.client.limiter import ConcurrencyLimit, HostLimiter, RequestLimiter
from viewer.client.problems import Problem
from viewer.keys.models import ApiKey
from viewer.sources import sources

Make = Callable[..., Path]


class Handler(BaseHTTPRequestHandler):
    """Answers with an empty list; as a proxy it asks for a password."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"object": "list", "data": [], "has_more": false}'
        self.send_response(407 if "://" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self.send_error(407, "Proxy Authentication Required")

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def make_certificate(tmp_path: Path) -> Make:
    """Make a certificate that is its own authority, with its key, in one file."""

    def make(address: str = "127.0.0.1", days: int = 1) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        own = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = tmp_path / "authority.pem"
        file.write_bytes(made.public_bytes(pem) + own)
        return file

    return make


def problem_of(base: str, **session: str) -> Problem | None:
    auth = KeyAuth(lambda: "sk-1", base, {})
    http = HttpClient(
        new_session(**session), auth, RequestLimiter(HostLimiter("host", 8), ConcurrencyLimit("somebody", 8)), Limits(5)
    )
    try:
        Client(http, base).completions()
    except Problem as problem:
        return problem
    return None


def test_an_authority_of_ones_own_is_trusted_when_it_is_named(make_certificate: Make) -> None:
    authority = make_certificate()
    with serving(authority) as port:
        problem = problem_of(f"https://127.0.0.1:{port}/v1")
        assert problem
        assert (problem.name, problem.cause) == ("unavailable", "certificate")
        assert "not trusted" in problem.message
        assert "UPSTREAM_CA" in problem.message
        assert problem_of(f"https://127.0.0.1:{port}/v1", authorities=str(authority)) is None


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here")
def test_an_authority_is_found_in_a_folder_by_its_hash(make_certificate: Make, tmp_path: Path) -> None:
    authority = make_certificate()
    folder = tmp_path / "authorities"
    folder.mkdir()
    asked = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(authority)]
    name = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    (folder / f"{name}.0").symlink_to(authority)
    with serving(authority) as port:
        assert problem_of(f"https://127.0.0.1:{port}/v1", authorities=str(folder)) is None


@pytest.mark.parametrize(
    ("address", "days", "message"), [("127.0.0.2", 1, "is for another name"), ("127.0.0.1", -1, "has expired")]
)
def test_the_fault_of_a_certificate_is_named(make_certificate: Make, address: str, days: int, message: str) -> None:
    authority = make_certificate(address, days)
    with serving(authority) as port:
        problem = problem_of(f"https://127.0.0.1:{port}/v1", authorities=str(authority))
    assert problem
    assert message in problem.message
    assert "UPSTREAM_CA" not in problem.message


def test_a_server_without_tls_is_named() -> None:
    with serving() as port:
        problem = problem_of(f"https://127.0.0.1:{port}/v1")
    assert problem
    assert "No encrypted connection" in problem.message


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/v1", "https://api.openai.com/v1"])
def test_a_proxy_that_refuses_is_named(base: str) -> None:
    with serving() as port:
        problem = problem_of(base, proxy=f"http://127.0.0.1:{port}")
    assert problem
    assert (problem.name, problem.cause) == ("unavailable", "proxy")
    assert "UPSTREAM_PROXY" in problem.message
    assert "407" in problem.message


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/v1", "https://api.openai.com/v1"])
def test_an_unreachable_proxy_is_named(base: str) -> None:
    problem = problem_of(base, proxy="http://someone:proxy-password@127.0.0.1:9")
    assert problem
    assert problem.cause == "proxy"
    assert "is unreachable" in problem.message
    assert "proxy-password" not in str(problem)


def test_saving_and_reading_with_a_key_say_that_the_certificate_is_not_trusted(
    reader: Browser, alice: User, make_certificate: Make, settings: Any
) -> None:
    authority = make_certificate()
    with serving(authority) as port:
        settings.API_HOSTS = [f"127.0.0.1:{port}"]
        key = make_key(alice, base_url=f"https://127.0.0.1:{port}/v1")
        page = reader.post(f"/keys/{key.pk}/test/", follow=True).content.decode()
        assert "no trusted connection" in page
        ApiKey.objects.choose(alice, key)
        text = visible(reader.get("/completions/").content.decode())
        assert "No trusted connection to " in text
        assert "UPSTREAM_CA" in text
        settings.UPSTREAM_CA = str(authority)
        sources._live_session.cache_clear()
        try:
            assert "it works" in reader.post(f"/keys/{key.pk}/test/", follow=True).content.decode()
        finally:
            sources._live_session.cache_clear()
