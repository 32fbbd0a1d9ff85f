"""A remote image is fetched by the server, on demand, and never from our own network."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_choice, make_completion, say
from tests.image_host import OTHER_PUBLIC, PUBLIC, ImageHost, running_image_host
from tests.images import make_png
from tests.pages import attributes, part_kinds, visible
from viewer.remote_images import fetch as remote_images
from viewer.remote_images.fetch import fetch_image
from viewer.rendering.remote_hosts import NotLoaded, Refused, host_of, is_public

PICTURE = make_png(48, 32)
URL = "http://pictures.example/a.png"
TILE = "/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/0/remote/"
# None of them may be looked up or connected to.
NEVER_LOOKED_UP = [
    "http://127.0.0.1/", "http://127.0.0.1:80/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/",
    "http://0.0.0.0/", "http://0/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://8.8.8.8./", "http://0x8.0x8.0x8.0x8/",
    "http://169.254.169.254/latest/meta-data/", "http://169.254.169.254./", "http://2852039166/",
    "http://100.64.0.1/", "http://100.100.100.200/", "http://192.0.0.192/", "http://198.18.0.1/", "http://192.88.99.1/",
    "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/",
    "http://[::1]/", "http://[::]/", "http://[::127.0.0.1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/", "http://[::ffff:0:127.0.0.1]/", "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/", "http://[64:ff9b:1::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%lo]/",
    "http://[fec0::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[5f00::1]/", "http://[ff02::1]/",
    "http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://localhost:80/", "http://redis/",
    "http://user@pictures.example/a.png", "http://user:password@pictures.example/", "http://@pictures.example/",
    "http://pictures.example@127.0.0.1/", "http://127.0.0.1\\@pictures.example/", "http://pictures.example\\@127.0.0.1/",
    "http://pictures.example\\.evil.example/",
    "http://pictures.example:8080/", "http://pictures.example:22/", "http://pictures.example:0/",
    "https://pictures.example:6379/", "http://pictures.example:٨٠/", "http://pictures.example:99999/",
    "ftp://pictures.example/a.png", "file:///etc/passwd", "gopher://pictures.example:80/_x", "dict://pictures.example/",
    "unix:///run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/", "httpx://pictures.example/", "data:image/png,x",
    "javascript:alert(1)", "//pictures.example/a.png", "pictures.example/a.png", "/a.png", "", " ", "http://", "http:///a",
    "http:pictures.example", "http://?a", "http://.example/", "http://*.example/", "http://pictures..example/",
    "http://pictures.example./a.png", "http://-pictures.example/", "http://pictures.example%2f@127.0.0.1/",
    "http://%31%32%37.0.0.1/", "http://pictures.example\x00.evil.example/", "http://pictures.example\r\nX: y/",
    "http://pic\ttures.example/", "http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://127。0。0。1/", "http://\udc80.example/", "http://" + "a" * 64 + ".example/", "http://" + "a." * 200 + "example/",
    "http://[::1/", "http://::1/", "http://[v1.a]/", "http://pictures.example/" + "a" * 9000,
]  # fmt: skip
# Names that look like any other, and what their name server says.
INNER_ADDRESSES = [
    "127.0.0.1", "10.1.2.3", "172.31.255.255", "192.168.0.10", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.8",
    "198.19.0.1", "224.0.0.251", "240.0.0.1", "::1", "::", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001::1", "fe80::1", "fec0::1", "fd00:ec2::254", "ff05::2",
    "5f00::1", "2001:20::1", "2001:db8::1", "3fff::1",
]  # fmt: skip


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageHost]:
    with running_image_host(monkeypatch) as host:
        host.serve("/a.png", PICTURE)
        yield host


def hasten(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(remote_images, "_MAX_SECONDS", seconds)


# --- What may be asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", NEVER_LOOKED_UP)
def test_a_hostile_address_is_refused_before_anything_is_looked_up(host: ImageHost, url: str) -> None:
    with pytest.raises(Refused, match="This URL cannot be loaded"):
        fetch_image(url)
    assert (host.looked_up, host.connected, host.asked) == ([], [], [])
    assert host_of(url) == ""


@pytest.mark.parametrize("address", INNER_ADDRESSES)
def test_a_name_that_leads_into_our_own_network_is_refused(host: ImageHost, address: str) -> None:
    host.names["inner.example"] = [address]
    with pytest.raises(Refused):
        fetch_image("http://inner.example/a.png")
    assert (host.looked_up, host.connected) == (["inner.example"], [])
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["::127.0.0.1", "fec0::1", "::ffff:0:127.0.0.1"])
def test_our_own_check_covers_the_gaps_of_the_library(
    host: ImageHost, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from requests_hardened import ip_filter_adapter

    monkeypatch.setattr(ip_filter_adapter, "filter_host", lambda *args, **kwargs: f"[{address}]")
    with pytest.raises(Refused):
        fetch_image(URL)
    assert host.connected == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.text(max_size=60) | st.from_regex(r"https?://[^\s/]{1,30}(:[0-9]{1,6})?/.{0,10}"))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    host_of(url)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://pictures.example/a.png", "pictures.example"),
        (" HTTPS://Pictures.Example:443/a.png\n", "pictures.example"),
        ("http://my_bucket.s3.pictures.example:80?x=1#y", "my_bucket.s3.pictures.example"),
        ("https://bücher.example/ä ö.png", "xn--bcher-kva.example"),
        ("https://аpple.com/", "xn--pple-43d.com"),
        ("http://pictures.example#@127.0.0.1:22/ http://x@y/", "pictures.example"),
        ("http://pictures.example?@127.0.0.1:22/", "pictures.example"),
        (f"https://{PUBLIC}/a.png", PUBLIC),
        ("https://[2606:4700:4700::1111]/a.png", "2606:4700:4700::1111"),
    ],
)
def test_the_host_is_named_as_it_is_looked_up(url: str, named: str) -> None:
    assert host_of(url) == named


# --- How it is asked ------------------------------------------------------------------------------------------------


def test_a_picture_comes_and_the_host_learns_nothing_of_the_reader(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    host.serve("/a.png?size=1", PICTURE)
    assert fetch_image("http://pictures.example/a.png?size=1#fragment") == PICTURE
    (asked,) = host.asked
    assert asked.path == "/a.png?size=1"
    assert asked.headers == {
        "Host": "pictures.example",
        "User-Agent": "Lectern",
        "Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def test_a_name_is_resolved_only_once(host: ImageHost) -> None:
    host.names["rebind.example"] = [PUBLIC, "127.0.0.1"]
    assert fetch_image("http://rebind.example/a.png") == PICTURE
    assert host.looked_up == ["rebind.example"]
    assert host.connected == [PUBLIC]
    assert host.asked[0].headers["Host"] == "rebind.example"


def test_no_cookie_of_one_hop_goes_to_the_next(host: ImageHost) -> None:
    host.names["other.example"] = [OTHER_PUBLIC]
    host.redirect("/moved.png", "//other.example/b%20c.png")
    host.redirect("/b%20c.png", "/a.png")
    assert fetch_image("http://pictures.example/moved.png") == PICTURE
    assert host.looked_up == ["pictures.example", "other.example", "other.example"]
    assert host.connected == [PUBLIC, OTHER_PUBLIC, OTHER_PUBLIC]
    assert all(not {"Cookie", "Referer", "Authorization"} & set(asked.headers) for asked in host.asked)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/a.png", "http://169.254.169.254/latest/", "http://[::1]/", "http://inner.example/a.png",
        "http://localhost/", "file:///etc/passwd", "http://pictures.example:8080/", "//user@pictures.example/",
        "http://2130706433/", "data:image/png;base64,iVBORw0KGgo=",
    ],
)  # fmt: skip
def test_a_redirect_is_checked_like_the_first_address(host: ImageHost, location: str) -> None:
    host.names["inner.example"] = ["10.0.0.7"]
    host.redirect("/moved.png", location)
    with pytest.raises(Refused):
        fetch_image("http://pictures.example/moved.png")
    assert host.connected == [PUBLIC]


def test_a_name_that_becomes_private_between_two_redirects_is_refused(host: ImageHost) -> None:
    host.names["rebind.example"] = [PUBLIC, "127.0.0.1"]
    host.redirect("/moved.png", "/a.png")
    with pytest.raises(Refused):
        fetch_image("http://rebind.example/moved.png")
    assert host.connected == [PUBLIC]


def test_after_three_redirects_it_is_enough(host: ImageHost) -> None:
    for n in range(4):
        host.redirect(f"/{n}.png", f"/{n + 1}.png")
    host.serve("/4.png", PICTURE)
    assert fetch_image("http://pictures.example/1.png") == PICTURE
    with pytest.raises(NotLoaded, match="Too many redirects"):
        fetch_image("http://pictures.example/0.png")


def test_the_body_of_a_redirect_is_not_read(host: ImageHost, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        while len(sent) < 10_000:
            sent.append(1)
            yield b"x" * 10_000

    host.serve("/moved.png", endless, 302, Location="/a.png")
    assert fetch_image("http://pictures.example/moved.png") == PICTURE
    assert len(sent) < 2_000


# --- What may come --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        (b"<!doctype html><script>alert(1)</script>", "image/png"),
        (b"\x89PNG", "image/png"),
        (b"%PDF-1.7", "image/png"),
        (b"RIFF\0\0\0\0WAVE", "image/webp"),
        (b"", "image/png"),
    ],
)
def test_what_is_no_picture_by_its_bytes_is_not_passed_on(host: ImageHost, body: bytes, kind: str) -> None:
    host.serve("/a", body, Content_Type=kind)
    with pytest.raises(NotLoaded, match="did not send an image"):
        fetch_image("http://pictures.example/a")


def test_a_huge_picture_is_left_off(host: ImageHost) -> None:
    sent = []

    def huge() -> Iterator[bytes]:
        yield PICTURE
        while len(sent) < 5_000:
            sent.append(1)
            yield b"\0" * 100_000

    host.serve("/huge.png", huge)
    with pytest.raises(NotLoaded, match="larger than 10 MB"):
        fetch_image("http://pictures.example/huge.png")
    assert len(sent) < 1_000


@pytest.mark.slow
def test_a_picture_that_unpacks_to_more_is_left_off(host: ImageHost) -> None:
    packed = gzip.compress(PICTURE + b"\0" * 300_000_000, 1)
    host.serve("/bomb.png", packed, Content_Encoding="gzip")
    tracemalloc.start()
    try:
        with pytest.raises(NotLoaded, match="larger than 10 MB"):
            fetch_image("http://pictures.example/bomb.png")
        assert tracemalloc.get_traced_memory()[1] < 60_000_000  # bytes; all of it would be 300 million
    finally:
        tracemalloc.stop()


def test_a_packed_picture_is_unpacked(host: ImageHost) -> None:
    host.serve("/packed.png", gzip.compress(PICTURE), Content_Encoding="gzip")
    assert fetch_image("http://pictures.example/packed.png") == PICTURE


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 0])
def test_a_dripping_host_is_given_up_in_real_time(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    dripped = []

    def drip() -> Iterator[bytes]:
        for byte in PICTURE if status else b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50:
            time.sleep(0.2)
            dripped.append(byte)
            yield bytes([byte])

    host.serve("/drip.png", drip, status)
    hasten(monkeypatch, 1.0)
    with pytest.raises(NotLoaded, match="did not respond"):
        fetch_image("http://pictures.example/drip.png")
    assert len(dripped) < len(PICTURE)


@pytest.mark.slow
def test_a_name_server_that_says_nothing_is_given_up_in_real_time(
    host: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, says_something = socket.getaddrinfo, threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: says_something.wait(60) and look_up(*args, **more))
    hasten(monkeypatch, 0.5)
    with pytest.raises(NotLoaded, match="did not respond"):
        fetch_image(URL)
    assert host.connected == []
    says_something.set()


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_another_status_is_explained(host: ImageHost, status: int) -> None:
    host.serve("/a", PICTURE, status)
    with pytest.raises(NotLoaded, match=f"responded with status {status}"):
        fetch_image("http://pictures.example/a")


def test_a_name_that_nobody_knows_does_not_answer(host: ImageHost) -> None:
    with pytest.raises(NotLoaded, match="did not respond"):
        fetch_image("http://nobody.example/a.png")


@pytest.mark.slow
def test_only_so_many_are_fetched_at_a_time(host: ImageHost) -> None:
    slots = [remote_images._slots.acquire() for _ in range(4)]
    try:
        with pytest.raises(NotLoaded, match="Too many images"):
            fetch_image(URL)
    finally:
        for _ in slots:
            remote_images._slots.release()
    assert fetch_image(URL) == PICTURE


# --- Over TLS -------------------------------------------------------------------------------------------------------


def make_certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    issued = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issued, issued, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    written.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return written


@pytest.mark.parametrize(("name", "comes"), [("pictures.example", True), ("evil.example", False)])
def test_a_certificate_is_held_against_the_name_and_not_the_pinned_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, comes: bool
) -> None:
    certificate = make_certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    named: list[str | None] = []
    context.sni_callback = lambda sock, server_name, context: named.append(server_name)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    with running_image_host(monkeypatch, tls=context) as host:
        host.serve("/a.png", PICTURE)
        if comes:
            assert fetch_image("https://pictures.example/a.png") == PICTURE
        else:
            with pytest.raises(NotLoaded, match="did not respond"):
                fetch_image("https://pictures.example/a.png")
        assert named == ["pictures.example"]
        assert len(host.asked) == int(comes)


# --- Who may ask for it ---------------------------------------------------------------------------------------------


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


@pytest.fixture
def with_picture(stored: Callable[..., Any], host: ImageHost) -> ImageHost:
    parts = [image(URL), {"type": "text", "text": "see"}, image("data:image/png;base64,QUJD"), image("http://redis/x")]
    choice = make_choice(None, content_parts=[image(URL)])
    stored(make_completion("chatcmpl-one", say("user", "see", content_parts=parts), choices=[choice]))
    return host


def test_opening_a_conversation_asks_no_host_for_anything(reader: Client, with_picture: ImageHost) -> None:
    page = reader.get("/completions/chatcmpl-one/").content.decode()
    assert "Image on pictures.example, not loaded" in visible(page)
    assert {TILE, "/completions/chatcmpl-one/choices/0/parts/0/remote/"} <= {*attributes(page, "href", "a")}
    assert part_kinds(page).count("image") == 4
    assert (with_picture.looked_up, with_picture.asked) == ([], [])


@pytest.mark.parametrize("address", [TILE, "/completions/chatcmpl-one/choices/0/parts/0/remote/"])
def test_the_picture_is_passed_on_and_can_do_nothing(reader: Client, with_picture: ImageHost, address: str) -> None:
    with_picture.serve("/a.png", PICTURE, Content_Type="text/html", Refresh="0; url=http://evil.example/")
    reader.cookies["theme"] = "dark"
    answer = reader.get(address, headers={"referer": "http://testserver/completions/", "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    assert answer.content == PICTURE
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, max-age=3600"
    assert "Refresh" not in answer
    assert "track" not in answer.cookies
    (asked,) = with_picture.asked
    assert not {"Cookie", "Referer", "Origin", "X-Forwarded-For", "Accept-Language"} & set(asked.headers)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_what_is_not_a_remote_image_is_not_fetched(reader: Client, with_picture: ImageHost, n: int) -> None:
    answer = reader.get(f"/completions/chatcmpl-one/messages/chatcmpl-one-0/parts/{n}/remote/?url={URL}")
    assert answer.status_code == 404
    assert with_picture.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "/completions/chatcmpl-two/messages/chatcmpl-one-0/parts/0/remote/",
        "/completions/chatcmpl-one/messages/chatcmpl-one-9/parts/0/remote/",
        "/completions/chatcmpl-one/choices/1/parts/0/remote/",
    ],
)
def test_a_url_that_no_message_contains_is_not_fetched(reader: Client, with_picture: ImageHost, address: str) -> None:
    assert reader.get(address).status_code == 404
    assert with_picture.asked == []


def test_what_only_somebody_elses_key_can_read_is_not_fetched(
    reader: Client, with_picture: ImageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.client.problems import Problem
    from viewer.sources.reader import Reader
    from viewer.sources.sources import Source, SourceProblem

    asked_by: list[User] = []

    def read(one: Reader, *args: Any) -> Any:
        asked_by.append(one.person)
        raise SourceProblem(Problem("not-found"), Source(None))

    monkeypatch.setattr(Reader, "read", read)
    assert reader.get(TILE).status_code == 404
    assert [person.username for person in asked_by] == ["alice"]
    assert with_picture.asked == []


def test_a_stranger_is_asked_to_sign_in(client: Client, with_picture: ImageHost) -> None:
    assert client.get(TILE)["Location"].startswith("/login/?next=")
    assert with_picture.asked == []


def test_only_get_is_allowed(reader: Client, with_picture: ImageHost) -> None:
    assert reader.head(TILE).status_code == reader.post(TILE).status_code == 405
    assert with_picture.asked == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_make_us_fetch(reader: Client, with_picture: ImageHost, site: str) -> None:
    answer = reader.get(TILE, headers={"sec-fetch-site": site})
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert with_picture.asked == []


def test_a_refused_url_is_explained_in_a_sentence(reader: Client, with_picture: ImageHost) -> None:
    answer = reader.get(TILE.replace("/0/remote", "/3/remote"))
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert answer.content.decode().startswith("This URL cannot be loaded.")


def test_a_failing_host_is_explained_in_a_sentence(reader: Client, with_picture: ImageHost) -> None:
    with_picture.serve("/a.png", b"<script>alert(1)</script>", 503)
    answer = reader.get(TILE)
    assert (answer.status_code, answer["Content-Type"]) == (502, "text/plain; charset=utf-8")
    assert answer.content == b"The host responded with status 503."
    assert "max-age" not in answer["Cache-Control"]


def test_a_desk_can_do_without(reader: Client, with_picture: ImageHost, settings: Any) -> None:
    settings.REMOTE_IMAGES = False
    page = reader.get("/completions/chatcmpl-one/").content.decode()
    assert "Image on pictures.example, not loaded" in visible(page)
    assert "/remote/" not in page
    assert reader.get(TILE).status_code == 403
    assert with_picture.asked == []
