from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.costs import assert_linear
from tests.hostile import PAYLOADS
from tests.pages import elements, texts, visible
from viewer.completions import markdown
from viewer.completions.markdown import MARKDOWN_LIMIT
from viewer.completions.types import Citation
from viewer.rendering import markdown_html as prose
from viewer.rendering.highlighting import _BY_NAME, colour
from viewer.rendering.markdown_html import render_prose

ALLOWED = {
    "a": {"href", "rel", "target"},
    "ol": {"class", "start"},
    "li": {"value"},
    "th": {"align"},
    "td": {"align"},
    "div": {"class", "tabindex"},
    "pre": {"tabindex"},
    "span": {"class"},
    "code": {"class"},
    "figure": {"class"},
}
BARE = (
    "p br hr em strong del ul blockquote h4 h5 h6 table thead tbody tr figcaption copy-code".split()  # noqa: SIM905
)
NOTE = '<p><span class="image-note">'
DEAD, HOST, TITLE = '<p><span class="link__dead">', '<span class="link__host">', '<span class="link__title">'
MARKDOWN = """## Plan

Do **this** in *three* steps, see [the docs](https://docs.example.com/a?b=1&c=2) or https://example.org/x.

1. Take a backup of the `orders` table
2. Run it with `--dry-run`
   - check the **totals**

| step | owner | days |
|:-----|:-----:|-----:|
| backup | Ann | 1 |
| switch | `a|b` | 2 |

```python
def total(rows: list[dict]) -> int:
    # only paid ones count
    return sum(row["amount"] for row in rows if row["state"] == "paid")
```

> The old system stays readable.

- [x] agreed with finance
- [ ] agreed with ~~hope~~ support
"""


class Elements(HTMLParser):
    """Collects every start tag that a lenient parser sees."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    handle_decl = unknown_decl = handle_pi = handle_comment


def assert_harmless(markup: str) -> None:
    for tag, attributes in Elements(markup).found:
        assert tag in ALLOWED or tag in BARE, tag
        assert attributes.keys() <= ALLOWED.get(tag, set()), (tag, attributes)
        if tag == "a" and "href" in attributes:
            assert re.match(r"https?://[^/\s\\]|mailto:[^\s]", attributes["href"] or ""), attributes
            assert attributes["rel"] == "noopener noreferrer nofollow ugc"
            assert attributes["target"] == "_blank"


@pytest.fixture
def without_nh3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prose, "_sanitise", lambda html: html)


@pytest.fixture
def without_escape() -> Iterator[None]:
    markdown._RENDER.escape = False
    yield
    markdown._RENDER.escape = True


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_text_is_active(payload: str) -> None:
    drawn = render_prose(payload).html
    assert_harmless(drawn)
    assert prose._sanitise(drawn) == drawn  # nh3 changes nothing any more


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.usefixtures("without_nh3")
def test_comrak_and_our_html_alone_are_safe(payload: str) -> None:
    assert_harmless(render_prose(payload).html)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.usefixtures("without_escape")
def test_nh3_alone_is_safe(payload: str) -> None:
    assert_harmless(render_prose(payload).html)
    assert_harmless(prose._sanitise(payload))
    assert_harmless(prose._sanitise(prose._wrap(payload, {})))


@pytest.mark.parametrize("language", ["html", "python", "unknown"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_code_is_safe_escaped_and_where_it_is_not(payload: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"One\n\n~~~~~~~~~ {language} {payload.splitlines()[0]}\n{payload}\n~~~~~~~~~\n\ntwo"
    drawn = render_prose(text).html
    assert_harmless(drawn)
    assert prose._sanitise(drawn) == drawn
    monkeypatch.setattr(prose, "colour", lambda code, _: code)
    assert_harmless(render_prose(text).html)


def test_code_comes_back_where_it_was() -> None:
    blocks = "".join(f"- \U000f0000 {n}\n\n  ```\n  \U000f0001 code {n}\n  ```\n\n" for n in range(3))
    drawn = render_prose(f"{blocks}&#xF0002; %F3%B0%80%83").html
    assert " ".join("".join(Text(drawn).pieces).split()) == (
        " ".join(f"\U000f0000 {n}code\U000f0001 code {n}" for n in range(3)) + " \U000f0002 %F3%B0%80%83"
    )


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*PAYLOADS, "\n\n", "`", "[", "](", ")", '"', "<", ">"]), max_size=6).map("".join))
def test_several_payloads_in_one_text_are_not_active_either(text: str) -> None:
    drawn = render_prose(text, [Citation("https://a.example/", "", 0, len(text))]).html
    assert_harmless(re.sub(r'<a class="chip-citation"[^>]*>', "<a>", drawn))


def test_a_chip_has_nothing_but_its_own_attributes() -> None:
    drawn = render_prose("Oslo", [Citation("https://a.example/", 'x" hx-get="/x', 0, 4)]).html
    chips = [attributes for tag, attributes in Elements(drawn).found if tag == "a"]
    assert [chip.keys() for chip in chips] == [{"class", "data-citation", "href", "rel", "target", "aria-label"}]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo", "<p>one<br>two</p>"),
        ("~~old~~ **new**", "<p><del>old</del> <strong>new</strong></p>"),
        ("# A\n## B\n###### C", "<h4>A</h4><h5>B</h5><h6>C</h6>"),
        ("- [x] a\n- [ ] b", '<ul><li><span class="task">☑</span> a</li><li><span class="task">☐</span> b</li></ul>'),
        ("3. a", '<ol start="3"><li>a</li></ol>'),
        ("1. a\n3. b\n4. c", '<ol><li>a</li><li value="3">b</li><li>c</li></ol>'),
        ("- 2. a\n\t1. b", '<ul><li><ol start="2"><li>a</li><li value="1">b</li></ol></li></ul>'),
        ("1986. a", '<ol class="long" start="1986"><li>a</li></ol>'),
        ("3~5, ~5 € bis ~7 €", "<p>3~5, ~5 € bis ~7 €</p>"),
        ("他说**“可以”**没问题", "<p>他说<strong>“可以”</strong>没问题</p>"),
        (r"$\{x_1\}$ is $5", r'<p><code class="math">$\{x_1\}$</code> is $5</p>'),
        ("[go](/keys/ 'now')", f"{DEAD}go {HOST}(/keys/)</span></span> {TITLE}(now)</span></p>"),
        ("![cat](https://a.example/c.png 'asleep')", f"{NOTE}Image “cat (asleep)” on a.example, not loaded</span></p>"),
        ("a <b>b</b>", "<p>a &lt;b&gt;b&lt;/b&gt;</p>"),
        ("&lt;b&gt; &amp;amp; &#x3C; {{7*7}}", "<p>&lt;b&gt; &amp;amp; &lt; {{7*7}}</p>"),
        ("a\u202eb&#x202e; \0", "<p>a[U+202E]b[U+202E] ␀</p>"),
        (r"so \(a_1<b_2\) is", r'<p>so <code class="math">\(a_1&lt;b_2\)</code> is</p>'),
        ("[go](/keys/)", '<p><span class="link__dead">go <span class="link__host">(/keys/)</span></span></p>'),
        ("<javascript:x>", '<p><span class="link__dead">javascript:x</span></p>'),
        ("![cat](https://a.example/c.png)", f"{NOTE}Image “cat” on a.example, not loaded</span></p>"),
        ("![](data:image/png;base64,AA)", f"{NOTE}Image, not shown: data:image/png;base64,AA</span></p>"),
    ],
)
def test_markdown_is_rendered(text: str, html: str) -> None:
    assert render_prose(text).html == html


@pytest.mark.parametrize(
    ("label", "address", "host"),
    [
        ("ok", "https://a.example/", "a.example"),
        ("https://bank.example", "https://evil.example/", "evil.example"),
        ("bank.example@evil.example", "https://bank.example@evil.example/", "evil.example"),
        ("аpple.example", "https://аpple.example/", "xn--pple-43d.example"),
        ("a.example.evil", "https://a.example/", "a.example"),
        ("https://www.a.example/x", "https://a.example/x", ""),
        ("a.example", "https://www.a.example/", ""),
        ("write", "mailto:a@b.example?subject=x", "a@b.example"),
    ],
)
def test_a_link_names_its_host_unless_it_is_its_text(label: str, address: str, host: str) -> None:
    hosts = texts(render_prose(f"[{label}]({address})").html, "a > .link__host:last-child")
    assert hosts == ([f"({host})"] if host else [])


def test_code_has_a_caption_with_its_language_and_highlighting() -> None:
    assert render_prose('```json\n{"a": "<b>"}\n```').html == (
        '<copy-code><figure class="code"><figcaption>json</figcaption><pre tabindex="0"><code>'
        '{<span class="k">"a"</span>: <span class="s">"&lt;b&gt;"</span>}\n</code></pre></figure></copy-code>'
    )
    assert (
        '<figcaption>ts title="src/app.ts" {3}</figcaption>' in render_prose('```ts title="src/app.ts" {3}\n```').html
    )
    assert "<figcaption>code</figcaption>" in render_prose("```\nx = 1\n```").html
    assert "<span" not in render_prose("```unknown\nif x = 1\n```").html


def test_a_table_scrolls_by_itself_and_keeps_a_pipe_in_code() -> None:
    drawn = render_prose("|a|b|\n|-|-:|\n|1|`x|y`|\n").html
    assert drawn.startswith('<div class="table-scroll" tabindex="0"><table>')
    assert '<td align="right"><code>x|y</code></td></tr></tbody></table></div>' in drawn
    assert render_prose("`x|y`\n\n    `x|y`").html.count("x|y") == 2


def test_an_empty_table_heading_is_an_ordinary_cell() -> None:
    drawn = render_prose("| | a | |\n|-|-|-:|\n|1|2|3|\n").html
    assert '<tr><td></td><th>a</th><td align="right"></td></tr>' in drawn


def test_a_line_break_in_a_cell_is_one() -> None:
    drawn = render_prose("|a|b|\n|-|-|\n|x<br/>y|`<br>` &lt;br&gt;|\n\na<br>b").html
    assert "<td>x<br>y</td><td><code>&lt;br&gt;</code> &lt;br&gt;</td>" in drawn
    assert drawn.endswith("<p>a&lt;br&gt;b</p>")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (
            "见https://a.example/x，填写。另见https://b.example/y（说明）了解",
            ["https://a.example/x", "https://b.example/y"],
        ),
        ("https://a.example/x了解更多", ["https://a.example/x"]),
        ("“https://a.example/x”", ["https://a.example/x"]),
        ("https://ja.wikipedia.org/wiki/日本。", ["https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC"]),
        ("https://de.wikipedia.org/wiki/Zürich", ["https://de.wikipedia.org/wiki/Z%C3%BCrich"]),
        ("请写信给help@a.example，谢谢", ["mailto:help@a.example"]),
        ("[说明](https://a.example/x，y)", ["https://a.example/x%EF%BC%8Cy"]),
    ],
)
def test_a_bare_url_ends_where_the_sentence_continues(text: str, addresses: list[str]) -> None:
    assert [link.attributes["href"] for link in elements(render_prose(text).html, "[href]")] == addresses


def test_two_adjacent_references_are_two_links() -> None:
    drawn = render_prose("years[1][2], [more][1].\n\n[1]: https://a.example/\n[2]: https://b.example/").html
    links = [(link.attributes["href"], visible(link).rpartition(" ")[0]) for link in elements(drawn, "a")]
    assert links == [("https://a.example/", "[1]"), ("https://b.example/", "[2]"), ("https://a.example/", "more")]


@pytest.mark.parametrize(
    "text",
    [
        "|a|b|\n|-|-|\n|1|2|3|4|\n|5|",
        "a|b\n:-|-\n1|2|3",
        "|a|\r\n|-|\r\n|1|2|",
        "> |a|\n> |-|\n> |1|2|\n>\n> |b|\n> |-|\n> |3|4|",
        "- |a|\n  |-|\n  |1|2|",
        "|a|\n|-|\n|1|\n# h\n|b|\n|-|\n|2|3|",
        "|a|b\\|\n|-|-|\n|1|2\\||3|",
        "|a|\n|-|\n|1|2|\n|-|-|-|\n|3|4|",
        "|a|`x|y`|\n|-|-|\n|1|2|3|",
        "```\n|a|\n|-|\n|1|2|\n```\n\n|b|\n|-|\n|3|4|",
    ],
)
def test_a_row_that_is_wider_than_its_table_keeps_its_cells(text: str) -> None:
    drawn = render_prose(text).html
    assert re.findall(r"\w", "".join(Text(drawn).pieces).removeprefix("code")) == re.findall(r"\w", text)
    assert ("<table>" in drawn) is not text.startswith("`")  # otherwise all of it is shown as written
    assert drawn.isascii()


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(["|", "a", "b ", "-", ":-|", "|-|", "\n", "\n\n", "> ", "- ", "`a|b`", "\\", "\r\n", "    "])
    )
)
def test_no_cell_of_any_table_is_dropped(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert re.findall("[ab]", "".join(Text(render_prose(text).html).pieces)) == re.findall("[ab]", text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\n\n<div>b</div>\n\nc", "<p>a</p><p>&lt;div&gt;b&lt;/div&gt;</p><p>c</p>"),
        ("> # h\n> <b>", "<blockquote><h4>h</h4><p>&lt;b&gt;</p></blockquote>"),
        ("<p>\n\n---\n<p>", "<p>&lt;p&gt;</p><hr><p>&lt;p&gt;</p>"),
    ],
)
def test_a_block_of_raw_html_is_a_paragraph(text: str, html: str) -> None:
    assert render_prose(text).html == html


@pytest.mark.parametrize("language", sorted(_BY_NAME))
@settings(max_examples=20)
@given(st.text(alphabet=st.sampled_from("ab1 \n\"'`#/*-<>!{}\\:=.$@&;"), max_size=60))
def test_highlighting_changes_no_character_of_the_code(language: str, code: str) -> None:
    assert "".join(Text(colour(code, language)).pieces) == code


class Text(Elements):
    """Collects the text."""

    def __init__(self, markup: str) -> None:
        self.pieces: list[str] = []
        super().__init__(markup)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def test_a_text_over_the_limit_is_plain_and_whole() -> None:
    text = "**a** <b>\n" * 2001
    assert len(text) > MARKDOWN_LIMIT
    drawn = render_prose(text, [Citation("https://a.example/", "", 0, 5)])
    assert "".join(Text(drawn.html).pieces) == text
    assert len(drawn.sources) == 1


@pytest.mark.parametrize("text", [">" * 5000 + "a", "> " * 3000 + "a", "".join("  " * n + "- a\n" for n in range(140))])
def test_text_that_is_nested_too_deeply_is_plain_and_whole(text: str) -> None:
    assert "".join(Text(render_prose(text).html).pieces) == text


def test_a_table_that_would_take_megabytes_is_not_formatted() -> None:
    text = "|a" * 3000 + "|\n" + "|-" * 3000 + "|\n" + "|b\n" * 600
    assert len(render_prose(text).html) < 3 * len(text)


REPEATED = [
    "[", "]", "(", "[a](", "](", "![", "![a](", "[[a]]", "[a][b]", "[a]: b\n", "*", "**", "*a ", "**a", "_a ", "*a_",
    "a**b c* ", "`", "`` ", "```\n", "~~a", ">", "> ", "> - ", "- ", "- a\n", "1. a\n", "# a\n", "|",
    "|a|b|\n|-|-|\n", "|-\n", "|a|\n|-|\n|b|c|\n\n", "<", "<a ", "<!--", "&", "&amp;", "\\", "\\(", "\\[a", "www.",
    "http://a.b ", "<http:", "a@b.c ", "\n", " ", "\t", "x", "\u202e", "\U000e0069", "`|", "`a|b` ", "[a](b \"", "[a](http://x.y)",
    "([a.b](http://x.y))", "![a](http://x.y)", "\U000f0000", "%F3%B0%80%80",
    "$a", "$$a\n", "$a_b$", "\\a", "\\_", "\\.", "\\\\", "C:\\ ", "\\(a\\)", "a*", ")*", "a**b", "__a__", "a~", "01. ", "3. a\n1. b\n",
    "[1]: http://a.b\n[1]\n", "[1][1]", "，http://a.b", "www.a，", "<br>|", "```md\n```js\n```\n",
]  # fmt: skip
CODE = [
    "\n",
    "a",
    "a\n",
    "a ",
    '"',
    "'",
    "`",
    '"""',
    "/*",
    "//",
    "/",
    "#",
    "--",
    "<!--",
    "<",
    "<a",
    "-",
    ".",
    "a-",
    '"\\',
    "1.",
    "@",
]


@pytest.mark.slow
@pytest.mark.parametrize("piece", REPEATED)
def test_rendering_takes_linear_time(piece: str) -> None:
    cited = [Citation(f"https://{n}.example/", "", n, n + 9) for n in range(20)]
    assert_linear(lambda size: render_prose((piece * size)[:size], cited), MARKDOWN_LIMIT)


@pytest.mark.slow
@pytest.mark.parametrize(
    "language", ["python", "js", "json", "sh", "sql", "c", "java", "yaml", "toml", "css", "html", "diff"]
)
def test_highlighting_takes_linear_time(language: str) -> None:
    for piece in CODE:
        assert_linear(lambda size, piece=piece: colour((piece * size)[:size], language), MARKDOWN_LIMIT)


@settings(max_examples=200)
@given(st.text())
def test_any_text_is_rendered_the_same_way_twice(text: str) -> None:
    assert render_prose(text) == render_prose(text)
    assert_harmless(render_prose(text).html)
