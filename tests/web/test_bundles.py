from __future__ import annotations

import gzip
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from viewer.web.bundles import BundleFinder, pack_script, pack_style


def test_a_style_loses_its_comments_and_blanks_and_nothing_else() -> None:
    given = """
    /* A comment; with { braces } */
    a :hover, b > .c:is(d, e) { width: calc(1rem + 2 * var(--x)); margin: 0 auto; }
    @media (min-width: 4rem) { .d::after { content: "; a /  b, }"; } }
    """
    assert pack_style(given).strip() == (
        "a :hover,b>.c:is(d,e){width:calc(1rem + 2 * var(--x));margin:0 auto}"
        '@media (min-width:4rem){.d::after{content:"; a /  b, }"}}'
    )


def test_a_script_loses_its_comments_and_indents_and_nothing_else() -> None:
    assert pack_script("// What it does.\n\n  if (a) {\n    b = `${c} http://c, ${d} kB`; // e\n  }\n") == (
        "if (a) {\nb = `${c} http://c, ${d} kB`;\n}\n"
    )
    assert pack_script('  a = "; // b"; // c\n  d = `; // ${e}`;\n') == 'a = "; // b";\nd = `; // ${e}`;\n'


def test_what_every_page_loads_stays_small() -> None:
    sizes = {
        name: len(gzip.compress(storage.open(name).read())) for name, storage in BundleFinder().list(ignore_patterns=[])
    }
    assert sizes["app.css"] <= 12_000
    assert sizes["app.js"] <= 8_000
    assert sizes["desk.js"] <= 8_000


def test_a_bundle_is_whole_whenever_it_is_read() -> None:
    finder = BundleFinder()
    whole = Path(finder.find("app.css")).read_text()
    with ThreadPoolExecutor() as others:
        again = [others.submit(finder.find, "app.css") for _ in range(50)]
        while not all(one.done() for one in again):
            assert Path(finder.find("app.css")).read_text() == whole


def test_no_component_redraws_the_icon_of_another() -> None:
    style = next(storage.open(name).read().decode() for name, storage in BundleFinder().list([]) if name == "app.css")
    drawn = Counter(re.findall(r"(\.icon-[a-z]+)\{--icon:", style))
    assert len(drawn) > 20
    assert [icon for icon, times in drawn.items() if times > 1] == []
