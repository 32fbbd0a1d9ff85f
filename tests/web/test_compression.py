from __future__ import annotations

import gzip

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viewer.web import compression
from viewer.web.compression import Part, compress_around_part, deflate, note_part


@pytest.fixture(autouse=True)
def parts_may_be_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_LEAST", 0)


HTML = st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace") * 3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(HTML, HTML, HTML)
def test_a_page_around_a_part_unpacks_to_itself(before: bytes, html: bytes, after: bytes) -> None:
    response = HttpResponse(before + html + after)
    note_part(response, Part(html, deflate(html)))
    assert gzip.decompress(compress_around_part(response) or b"") == response.content


def test_a_page_without_the_part_is_compressed_as_any_other() -> None:
    response = HttpResponse("other")
    assert compress_around_part(response) is None
    note_part(response, Part(b"one", deflate(b"one")))
    assert compress_around_part(response) is None


def test_a_small_part_is_compressed_with_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not deflate(b"a" * 10_000)
    assert deflate(b"a" * 100_000)


def test_how_well_a_page_compresses_does_not_show() -> None:
    response = HttpResponse("page")
    note_part(response, Part(b"a", deflate(b"a")))
    assert len({len(compress_around_part(response) or b"") for _ in range(50)}) > 10
