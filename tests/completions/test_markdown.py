from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.costs import assert_linear
from viewer.completions.markdown import (
    MARKDOWN_LIMIT,
    html_to_text,
    link_urls,
    markdown_to_text,
    to_html,
    without_citation_markers,
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("## Sent **today**", "Sent today"),
        ("> quoted\n- one\n* two\n+ three\n1. four", "quoted\none\ntwo\nthree\n1. four"),
        ("**bold *italic* bold** ***both***", "bold italic bold both"),
        ("2 * 3 * 4, 2*3, a_b, __init__", "2 * 3 * 4, 2*3, a_b, __init__"),
        (r"\*no\* \[x\](y) \# 1", "*no* [x](y) # 1"),
        ('[guide](https://x.example/a "title") ![pic](/p)', "guide (title) pic"),
        ("`code`, ``more``", "code, more"),
        ("```json\n{}\n```", "json\n{}"),
        ("|a|b|\n|---|:-:|\n|1|2|\n\n---\n", "a b\n1 2"),
        ("x &amp; y", "x & y"),
        ("#tag a|b", "#tag a|b"),
    ],
)
def test_text_stays_and_markup_goes(written: str, shown: str) -> None:
    assert markdown_to_text(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        r"C:\Users\ann\.app\_logs\out.txt",
        r"C:\new\*.txt and D:\_old\*.doc",
        r"C:\Program Files\_internal\#1",
        r"%APPDATA%\_cfg ~\_ssh ..\_build $env:TEMP\_x",
        r"\\files01\team\_archive",
        r"\\files01\_archive, \\files01",
        r"\d+\.\d+ ^\+49 [a-z]\.\*",
        r"one\nline \t and \"quoted\"",
        r"¯\_(ツ)_/¯",
        "/\\_/\\\n\\_____\\\n( o.o )",
        "curl \\\n--data x",
        r"$f\,dx$ $\{x_1, x_2\}$ $a*b*c$ $5\%$",
        "$$\nA = \\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}\n+ b\n$$",
        r"\(a_1 < b_2\)",
    ],
)
def test_a_literal_backslash_stays_with_all_others_in_its_word(text: str) -> None:
    assert markdown_to_text(text) == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"5 \* 3 = 15", "5 * 3 = 15"),
        (r"SDL\_LoadBMP, \_\_init\_\_", "SDL_LoadBMP, __init__"),
        (r"\#4711 costs \$5, 5\% off, AT\&T, \~3 days", "#4711 costs $5, 5% off, AT&T, ~3 days"),
        (r"1\. June", "1. June"),
        (r"## 2\) **3\. Terms\***", "2) 3. Terms*"),
        (r"Dear \[Customer Name\],", "Dear [Customer Name],"),
        (r"\[INTENT\]: refund", "[INTENT]: refund"),
        (r"**C:\dir\** and `C:\dir\` are", r"C:\dir\ and C:\dir\ are"),
        (r"¯\\\_(ツ)\_/¯", r"¯\_(ツ)_/¯"),
        ("word\\\nnext", "word\nnext"),
    ],
)
def test_a_backslash_that_is_an_escape_goes(written: str, shown: str) -> None:
    assert markdown_to_text(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "3~5 days, 100~200 kr, ~5 € bis ~7 €, H~2~O, S(36~38)",
        "a*b*c 2*3*4 n*m*(n+1) (a)*(b)*(c) (x+1)*y*z 2**3 + 4**5 x**n + y**n",
        "Kund*innen und Mitarbeiter*innen",
        "f(*args, **kwargs) snake_case_name __init__ `__main__`".replace("`", ""),
        "**/*.py and **/*.js, src/**/*.ts and lib/**/*.js",
        "US$5 and $6, ($10*/$20*), $AAPL or TSLA$",
        "[INTENT]: refund\n[QUEUE]: billing-tier2",
        "[a]: https://x.example/a\n(note) see [a]",
        '[Ticket]: 4411\n"urgent, call back"',
        "[docs]: /path and [docs]\n[^1]: note",
        "[1]: https://x.example/ is where\n[2]: https://y.example/",
        "01. a\n02. b",
        "1. a\n3. b\n5. c",
        "3. a\n2. b\n1. c",
        "1. a\n1. b",
        "1986. A great year",
        "1. a\n2. b\n3. c\n10. d",
        "1. a\n2. b\nso\n1. c\ntext\n1. d",
        "#hashtag #1234 is the order",
        "x?a=1&copy=2",
    ],
)
def test_literal_text_stays_as_written(text: str) -> None:
    assert markdown_to_text(text) == text


def test_a_definition_is_used_where_something_refers_to_it_and_is_shown_otherwise() -> None:
    text = "nine years[1][2], `a[3]`\n\n[1]: https://a.example/x\n[2]: https://b.example/y\n[3]: https://c.example/z"
    assert markdown_to_text(text) == "nine years[1][2], a[3]\n[3]: https://c.example/z"
    assert link_urls(text) == ["https://a.example/x", "https://b.example/y"]
    assert markdown_to_text("- [1]: https://a.example/\n- see [1]") == "[1]: https://a.example/\nsee [1]"
    many = "[1] " * 50 + "\n\n[1]: https://a.example/"
    assert len(link_urls(many)) == 50


def test_a_formula_in_a_quote_keeps_its_rows() -> None:
    assert markdown_to_text("> $$\n> a \\\\ b_1 \\\\\n> $$") == "$$\na \\\\ b_1 \\\\\n$$"


def test_a_block_of_markdown_ends_where_it_ends() -> None:
    text = "```markdown\n# T\n```js\nx\n```\nmore\n```\n**Last**"
    assert markdown_to_text(text) == "markdown\n# T\n```js\nx\n```\nmore\nLast"
    assert markdown_to_text("```markdown\n# T\n```js\nx\n```\n**Last**") == "markdown\n# T\n```js\nx\nLast"


def test_plain_text_is_the_text_that_the_page_shows() -> None:
    assert markdown_to_text("- [x] a\n- [ ] b") == "☑ a\n☐ b"
    assert markdown_to_text("|a|b|\n|-|-|\n|x<br>y|`<br>`|\n\na <br> b") == "a b\nx\ny <br>\na <br> b"
    assert markdown_to_text('```ts title="src/app.ts" {3}\nx\n```') == 'ts title="src/app.ts" {3}\nx'
    assert markdown_to_text("3. a\n\n   7. b\n\n5. c") == "3. a\n7. b\n5. c"


@given(st.text(st.sampled_from("aZéж包12 ,.;:?!-'()…–\n"), max_size=60))
@example("One.  \nTwo   three\n\nhttp: www.a.b -- (c) 1. ")
def test_text_without_marks_is_what_a_page_shows_of_it(text: str) -> None:
    assert markdown_to_text(text) == html_to_text(to_html(text) or "")


def test_markers_and_addresses() -> None:
    text = "Free ([site](https://s.example/?utm_source=openai)). See [more](https://m.example)."
    assert without_citation_markers(text) == "Free. See [more](https://m.example)."
    assert link_urls(text) == ["https://s.example/?utm_source=openai", "https://m.example"]


@pytest.mark.parametrize(
    "piece", ["*", "*a", "**a*", "`", "`a", "``a```", "- ", "-", "|", "|\n", "\n ", "> ", "&#", "[a]("]
)
def test_conversion_takes_linear_time(piece: str) -> None:
    assert_linear(lambda size: markdown_to_text((piece * size)[:size] + "x"), MARKDOWN_LIMIT)
