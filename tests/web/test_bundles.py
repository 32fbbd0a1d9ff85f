from __future__ import annotations

import re
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


def test_all_icons_are_one_image_and_each_class_shows_a_drawing_of_its_own() -> None:
    styles = {name: storage.open(name).read().decode() for name, storage in BundleFinder().list([]) if ".css" in name}
    (image,) = re.findall(r'url\("data:[^"]*"\)', styles["app.css"])
    drawings = [re.findall(r"translate\(0 (\d+)\)", line) for line in image.splitlines()[1:-1]]
    assert drawings == [[], *([str(16 * place)] for place in range(1, len(drawings)))]
    assert f"viewBox='0 0 16 {16 * len(drawings)}'" in image
    assert f"var(--icon) / {len(drawings) - 1}" in styles["app.css"]
    shown = re.findall(
        r"\.icon-[a-z]+ \{\s*--icon: (\d+);", "".join(styles[name] for name in styles if name != "shared.css")
    )
    assert sorted(map(int, shown)) == list(range(len(drawings)))
    assert not [name for name, style in styles.items() if name not in ("app.css", "shared.css") and "data:" in style]
