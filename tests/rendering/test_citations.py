from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.pages import attributes
from viewer.completions.addresses import web_address
from viewer.completions.types import Citation
from viewer.rendering import markdown_html
from viewer.rendering.citations import list_sources
from viewer.rendering.markdown_html import render_prose

CHIP = re.compile(r'<a class="chip-citation" data-citation href="([^"]*)"[^>]*>(\d+)</a>')
HOST = re.compile(r' ?<span class="link__host">[^<]*</span>')
OSLO = "https://oslo.example/"
MARKER = f"([oslo.example]({OSLO}))"
TEXT = f"The capital is Oslo. {MARKER} It is old."


def visible(markup: str) -> str:
    """Return the text of rendered HTML without chips and the hosts of links."""
    return html.unescape(re.sub(r"<[^>]*>", "", HOST.sub("", CHIP.sub("", str(markup)))))


def draw(text: str, *cited: tuple[str, int | None, int | None]) -> str:
    return render_prose(text, [Citation(url, "", start, end) for url, start, end in cited]).html


def cite(text: str, words: str, url: str = OSLO) -> str:
    start = text.index(words)
    return draw(text, (url, start, start + len(words)))


@pytest.mark.parametrize(
    ("start", "end"),
    [(21, 60), (21, 59), (19, 58), (0, 0), (None, None), (9000, 9100), (60, 21), (-5, 5), (0, 71), (21, 10**40)],
    ids=["exact", "inclusive", "two to the left", "zero", "none", "far", "reversed", "negative", "all", "huge"],
)
def test_the_marker_becomes_one_chip_however_its_range_is_off(start: int | None, end: int | None) -> None:
    drawn = draw(TEXT, (OSLO, start, end))
    assert CHIP.sub("[1]", drawn) == "<p>The capital is Oslo. [1] It is old.</p>"


_LINKS = (
    MARKER, f"[oslo.example]({OSLO})", f"([*Oslo*]({OSLO}))", f"([www.oslo.example]({OSLO}))", f"[Oslo & co]({OSLO})",
    f"`{MARKER}`", f"```\n{MARKER}\n```", f"\\{MARKER}", f"([oslo.example](<{OSLO}>))", f"![oslo.example]({OSLO})",
    f"([oslo.example]({OSLO}?a=1&b=2))", f"[([oslo.example]({OSLO}))](https://a.example/)", f"- {MARKER}", f"|{MARKER}|",
)  # fmt: skip


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([*_LINKS, "Oslo is old. ", "\n\n", " ", "\n", "**", "\U000f0000"]), max_size=8), st.data()
)
def test_a_link_found_in_the_html_is_cited_as_one_marked_in_the_text(pieces: list[str], data: st.DataObject) -> None:
    """To find it there takes less than to render the text again with marks."""
    text = "".join(pieces)
    ends = st.integers(0, len(text))
    cited = [(url, data.draw(ends), data.draw(ends)) for url in (OSLO, f"{OSLO}?a=1&b=2", OSLO)]
    found = draw(text, *cited)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown_html, "mark_links", lambda *_: None)
        assert draw(text, *cited) == found


def test_a_text_whose_links_are_cited_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    render = markdown_html.to_html
    monkeypatch.setattr(markdown_html, "to_html", lambda text: rendered.append(text) or render(text))
    assert len(CHIP.findall(draw(f"Oslo. {MARKER} Old. {MARKER}", (OSLO, 6, 46), (OSLO, 52, 92)))) == 2
    assert len(rendered) == 1


def test_indices_may_be_utf16_units() -> None:
    text = f"{'😀' * 40} Oslo {MARKER} and on"
    start = text.index(MARKER) + 40
    drawn = draw(text, (OSLO, start, start + len(MARKER)))
    assert visible(drawn) == text.replace(MARKER, "")
    assert len(CHIP.findall(drawn)) == 1


def test_a_bare_link_keeps_its_words() -> None:
    drawn = cite(f"See [the **town** hall]({OSLO}) today", f"[the **town** hall]({OSLO})")
    assert CHIP.sub("[1]", drawn) == '<p>See <span class="cited">the <strong>town</strong> hall</span>[1] today</p>'


def test_a_marker_of_words_keeps_them() -> None:
    text = f"Oslo. ([a whole sentence]({OSLO})) Old."
    assert visible(cite(text, f"([a whole sentence]({OSLO}))")) == "Oslo. (a whole sentence) Old."


def test_a_link_to_another_source_stays_a_link() -> None:
    drawn = cite("See ([other.example](https://other.example/)).", "([other.example](https://other.example/))")
    assert "https://other.example/" in attributes(drawn, "href", "a")
    assert CHIP.findall(drawn) == [(OSLO, "1")]
    assert visible(drawn) == "See (other.example)."


def test_a_claim_is_underlined_and_its_chip_follows_the_full_stop() -> None:
    drawn = cite("First. Oslo is old. Last.", "Oslo is old.")
    assert CHIP.sub("[1]", drawn) == '<p>First. <span class="cited">Oslo is old.</span>[1] Last.</p>'


def test_a_claim_over_emphasis_never_crosses_an_element() -> None:
    drawn = cite("So **Oslo is** old, *very* old", "Oslo is** old, *very")
    assert CHIP.sub("[1]", drawn) == (
        '<p>So <strong><span class="cited">Oslo is</span></strong><span class="cited"> old, </span>'
        '<em><span class="cited">very</span>[1]</em> old</p>'
    )


@pytest.mark.parametrize(
    "text", ["1. Oslo is old", "# Oslo is old", "- Oslo is old", "> Oslo is old", "**Oslo is old**"]
)
def test_a_claim_over_a_whole_line_leaves_the_markdown_as_it_is(text: str) -> None:
    drawn = cite(text, text)
    assert len(CHIP.findall(drawn)) == 1
    assert '<span class="cited">Oslo is old</span>' in drawn
    assert re.sub(r'<span class="cited">(.*?)</span>', r"\1", CHIP.sub("", drawn)) == draw(text)


def test_a_chip_waits_until_after_code_and_links() -> None:
    drawn = cite("run `cd oslo && ls` now", "cd oslo")
    assert CHIP.sub("[1]", drawn) == "<p>run <code>cd oslo &amp;&amp; ls</code>[1] now</p>"
    drawn = cite("```sh\ncd oslo\nls\n```\nend", "cd oslo")
    assert CHIP.sub("[1]", drawn).endswith("ls\n</code></pre></figure></copy-code>[1]<p>end</p>")
    drawn = cite(f"see {OSLO} there", OSLO)
    assert CHIP.sub("[1]", drawn).endswith(f">{OSLO}</a>[1] there</p>")


def test_a_marker_in_code_stays_as_written() -> None:
    text = f"`{MARKER}` is how"
    assert visible(cite(text, MARKER)) == f"{MARKER} is how"


def test_a_reference_link_gets_its_chip() -> None:
    drawn = draw(f"See [the hall][1] today\n\n[1]: {OSLO}\n", (OSLO, None, None))
    assert re.search(r"the hall.*</a><a class=\"chip-citation\"", drawn)


def test_ranges_overlap_without_crossing() -> None:
    text = "The capital is Oslo."
    drawn = draw(text, ("https://a.example/", 4, 14), ("https://b.example/", 10, 19))
    assert CHIP.sub(r"[\2]", drawn) == (
        '<p>The <span class="cited">capital is</span>[1]<span class="cited"> Oslo</span>[2].</p>'
    )


def test_sources_are_numbered_once_per_url_without_utm_parameters() -> None:
    sources = list_sources(
        [
            Citation("https://a.example/x?utm_source=openai&p=1", "", 0, 0),
            Citation("https://a.example/x?p=1", "Title", 0, 0),
            Citation("https://a.example/x?p=1#part", "", 0, 0),
            Citation("javascript:alert(1)", "\u202eBad", 0, 0),
            Citation("", "", 0, 0),
        ]
    )
    assert [(source.number, source.title, source.is_link) for source in sources] == [
        (1, "Title", True),
        (2, "a.example", True),
        (3, "[U+202E]Bad", False),
        (4, "Source without a title", False),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x",
        "//evil", "/path", "https:evil", "https:///evil", "https:\\\\evil", "http://", "https://e\nvil/", "https://a b/", "",
        "ftp://x", "https://[", "file:///etc/passwd", "https://a%2fb/",
    ],
)  # fmt: skip
def test_only_a_web_address_becomes_a_link(url: str) -> None:
    assert web_address(url) == ""
    prose = render_prose(f"{MARKER} words [x]({url}) {url}", [Citation(url, 'x" onclick="alert(1)', 3, 9)])
    assert not CHIP.search(prose.html)
    assert not any(source.is_link for source in prose.sources)


def test_an_international_address_is_written_in_ascii() -> None:
    address = web_address("https://bücher.example/ü\u202e\"'><b>")
    assert address.isascii()
    assert not {*address} & {'"', "<", ">", " "}
    assert list_sources([Citation("https://аpple.example/", "", 0, 0)])[0].host == "xn--pple-43d.example"


def test_titles_cannot_leave_their_attribute() -> None:
    prose = render_prose(TEXT, [Citation(OSLO, '"><script>alert(1)</script>', 21, 60)])
    assert "<script" not in prose.html
    assert 'aria-label="Source 1: &quot;&gt;&lt;script&gt;' in prose.html


def test_private_use_characters_of_the_text_survive() -> None:
    text = "\U000f0000 and \U000f0001 &#xF0002; [x](https://a.example/%F3%B0%80%83) \ue000 Oslo"
    plain = draw(text)
    drawn = cite(text, "Oslo")
    assert visible(drawn) == visible(plain)
    assert "%F3%B0%80%83" in drawn
    assert len(CHIP.findall(drawn)) == 1


HOSTS = [f"host{n}.example" for n in range(4)]
MARKERS = [f"([{host}](https://{host}/?utm_source=openai))" for host in HOSTS]
URLS = [f"https://{host}/" for host in HOSTS] + [
    f"https://{HOSTS[0]}/?utm_source=openai",
    "javascript:alert(1)",
    "",
    OSLO,
]
SYNTAX = [
    "**", "*", "_", "`", "```\n", "\n", "\n\n", "# ", "- ", "1. ", "> ", "|", "\n|-|-|\n", "[", "](", ")", "(", "![", "<",
    "&amp;", "~~", "\\(", "\\)",
]  # fmt: skip
WORDS = ["word", " ", "two words. ", "😀", "ä", "\U000f0000"]
PIECES = st.one_of(st.text(max_size=8), st.sampled_from(SYNTAX), st.sampled_from(WORDS))
PLAIN_TEXTS = st.lists(PIECES, max_size=25).map("".join)
MARKED_TEXTS = st.lists(st.one_of(PIECES, st.sampled_from(MARKERS), st.sampled_from(URLS)), max_size=25).map("".join)
INDICES = st.one_of(st.none(), st.integers(-3, 200), st.integers())
CITATIONS = st.lists(st.builds(Citation, st.sampled_from(URLS), st.text(max_size=5), INDICES, INDICES), max_size=8)


@pytest.mark.slow
@settings(max_examples=400)
@given(PLAIN_TEXTS, CITATIONS)
@example("a **b** c", [Citation(OSLO, "", 3, 5)])
def test_ranges_over_any_text_change_no_character_of_it(text: str, citations: list[Citation]) -> None:
    drawn = render_prose(text, citations)
    assert visible(drawn.html) == visible(render_prose(text).html)
    assert drawn == render_prose(text, citations)


@pytest.mark.slow
@settings(max_examples=400)
@given(MARKED_TEXTS, CITATIONS)
@example(TEXT.replace("oslo.example", HOSTS[0]), [Citation(URLS[0], "", 21, 62)])
def test_the_text_without_chips_is_the_text_without_markers(text: str, citations: list[Citation]) -> None:
    drawn, plain = render_prose(text, citations).html, render_prose(text).html
    chips = {url for url, _ in CHIP.findall(drawn)}
    for host in HOSTS:
        name = f"({host})"
        gone = visible(plain).count(name) - visible(drawn).count(name)
        assert gone == 0 or any(host in url for url in chips)
    without_names = re.compile("|".join(re.escape(f"({host})") for host in HOSTS))
    assert without_names.sub("", visible(drawn)) == without_names.sub("", visible(plain))


@given(st.text(), st.lists(st.builds(Citation, st.text(), st.text(), INDICES, INDICES), max_size=5))
def test_nothing_in_a_citation_raises(text: str, citations: list[Citation]) -> None:
    render_prose(text, citations)


def test_hundreds_of_citations_are_rendered() -> None:
    text = "Oslo is old. " * 1500
    drawn = draw(text, *((f"https://{n}.example/", n * 13, n * 13 + 40) for n in range(600)))
    assert len(CHIP.findall(drawn)) == 500
    assert visible(drawn) == visible(draw(text))


def test_azures_markers_get_the_chip_of_their_source() -> None:
    drawn = draw("Free [doc2].", (OSLO, None, None), ("https://bern.example/", 6, 10))
    assert CHIP.sub(r"[\2]", drawn) == '<p>Free [<span class="cited">doc2</span>[2]].</p>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Free \ue200cite\ue202turn0search0\ue202turn1news2\ue201 now", "Free Source not stored cite turn0search0 turn1news2 now"),
        ("Free【4:0†policy.pdf】.", "Free4:0†policy.pdf Source not stored."),
        ("【注意】 `【4:0†a】` \ue200 left open", "【注意】 【4:0†a】 \ue200 left open"),
    ],
)  # fmt: skip
def test_markers_of_sources_that_are_not_stored_say_so(text: str, words: str) -> None:
    assert visible(draw(text)) == words


def test_a_marker_has_no_note_if_its_source_is_stored() -> None:
    assert "not stored" not in draw("Free【4:0†policy.pdf】.", (OSLO, None, None))
