from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest

from tests.budgets import assert_within_budget
from viewer.web.bundles import BUNDLES, BundleFinder


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_stays_as_small_as_it_is(name: str) -> None:
    bundle = next(storage.open(found).read() for found, storage in BundleFinder().list([]) if found == name)
    assert_within_budget(name, len(brotli.compress(bundle)))


def test_a_bundle_is_whole_whenever_it_is_read() -> None:
    finder = BundleFinder()
    whole = Path(finder.find("app.css")).read_text()
    with ThreadPoolExecutor() as others:
        again = [others.submit(finder.find, "app.css") for _ in range(50)]
        while not all(one.done() for one in again):
            assert Path(finder.find("app.css")).read_text() == whole


def test_no_component_redraws_the_icon_of_another() -> None:
    style = next(storage.open(name).read().decode() for name, storage in BundleFinder().list([]) if name == "app.css")
    drawn = Counter(re.findall(r"(\.icon-[a-z]+)\s*\{\s*--icon:", style))
    assert len(drawn) > 20
    assert [icon for icon, times in drawn.items() if times > 1] == []
