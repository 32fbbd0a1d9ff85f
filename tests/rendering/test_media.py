from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.images import make_png
from viewer.rendering import media

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x11\x08\x00\x20\x00\x30\x03"
    + b"\x00" * 20
)
GIF = b"GIF89a" + struct.pack("<HH", 7, 9) + b"\x00" * 10
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\x0f\x00\x00" + b"\x1f\x00\x00" + b"\x00" * 8


@pytest.mark.parametrize(
    ("content", "kind", "size"),
    [
        (make_png(48, 32), "image/png", (48, 32)),
        (JPEG, "image/jpeg", (48, 32)),
        (GIF, "image/gif", (7, 9)),
        (WEBP, "image/webp", (16, 32)),
    ],
)
def test_type_and_size_come_from_the_bytes(content: bytes, kind: str, size: tuple[int, int]) -> None:
    info = media.inspect(base64.b64encode(content).decode())
    assert info is not None
    assert (info.kind.type, (info.width, info.height), info.bytes) == (kind, size, len(content))


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"MZ\x90", b"\x00\x01", b"%PDF-1.7"]
)
def test_active_content_is_neither_image_nor_sound(content: bytes) -> None:
    kind = media.detect_type(content)
    assert not kind.is_image
    assert not kind.is_audio


@pytest.mark.parametrize("head", [b"RIFF....WAVE", b"ID3\x04", b"\xff\xfb\x90\x64", b"OggS", b"fLaC", b"\xff\xf1\x50"])
def test_sound_is_detected_by_its_first_bytes(head: bytes) -> None:
    assert media.detect_type(head).is_audio


@pytest.mark.parametrize(
    ("given_", "packed"),
    [
        ("data:image/png;base64,QUJD", "QUJD"), ("DATA:image/png;charset=x;BASE64,QUJD", "QUJD"), ("QUJD", "QUJD"),
        ("data:text/html,%3Cb>", "PGI+"), ("data:image/png;base64,QU%4AD%2B-_\n A=", "QUJD++/A="), ("https://cdn.example/a.png", ""), ("javascript:alert(1)", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_bytes_of_data_urls_and_of_base64_of_any_form_are_found(given_: str, packed: str) -> None:
    assert media.to_base64(given_) == packed


def test_base64_survives_missing_padding_and_line_breaks() -> None:
    assert media.decode_base64(media.to_base64("QUJ\nDRA")) == b"ABCD"
    assert media.decode_base64("not base64!") is None


@given(st.binary(min_size=1, max_size=5000))
def test_inspecting_any_bytes_never_fails_and_returns_their_size(content: bytes) -> None:
    info = media.inspect(base64.b64encode(content).decode())
    assert info is not None
    assert info.bytes == len(content)


@given(st.text(max_size=200))
def test_inspecting_any_text_never_fails(text: str) -> None:
    media.inspect(media.to_base64(text))
