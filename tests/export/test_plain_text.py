from __future__ import annotations

import pytest

from tests.costs import assert_linear
from viewer.completions.markdown import MARKDOWN_LIMIT
from viewer.export.plain_text import to_plain_text


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# Your order\n\nIt is **on *its* way**, `HB-90417`.", "Your order\n\nIt is on its way, HB-90417."),
        ("one  \ntwo\\\nthree\nfour", "one\ntwo\nthree\nfour"),
        ("5 \\* 3 &lt; 16 &amp; &euro;5, snake_case, a < b", "5 * 3 < 16 & €5, snake_case, a < b"),
        ("<b>raw</b> HTML", "<b>raw</b> HTML"),
        ("one\n\n---\n\ntwo", "one\n\n--------\n\ntwo"),
        ("Now ~~€50~~ €40", "Now [struck out: €50] €40"),
        ("and $x_1 * y$", "and $x_1 * y$"),
    ],
)
def test_marks_are_gone_and_words_stay(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("Do:\n* one\n* two", "Do:\n\n- one\n- two"),
        ("1. one\n   - a\n     1. x\n   - b\n2. two", "1. one\n   - a\n     1. x\n   - b\n2. two"),
        ("9. nine\n10. ten\n    - a", "9. nine\n10. ten\n    - a"),
        ("3. three\n7. seven", "3. three\n7. seven"),
        ("1986. A great year.", "1986. A great year."),
        ("1986\\. A great year, 2.5 kg", "1986. A great year, 2.5 kg"),
        ("- one\n\n  more\n\n- two", "- one\n\n  more\n\n- two"),
        ("- [x] paid\n- [ ] sent", "- ☑ paid\n- ☐ sent"),
        ("- [x] paid\n\n- [ ] sent", "- ☑ paid\n- ☐ sent"),
        ("-\n- a", "-\n- a"),
        ("1. run\n\n   ```sh\n   ls\n   ```", "1. run\n\n   ls"),
    ],
)
def test_lists_keep_their_bullets_and_numbers_as_text(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


def test_a_quote_is_marked_as_in_an_e_mail() -> None:
    assert to_plain_text("You wrote:\n\n> one\n>\n> - two\n> > three\n\nYes.") == (
        "You wrote:\n\n> one\n>\n> - two\n>\n> > three\n\nYes."
    )


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        (
            "| Plan | Price |\n|---|---:|\n| **Basic** | €5 |\n| Plus | €12 |",
            "Plan: Basic; Price: €5\nPlan: Plus; Price: €12",
        ),
        ("|A|B|\n|-|-|\n|[x](https://a.example)|`c|d`|", "A: x (https://a.example); B: c|d"),
        ("|A:|B|\n|-|-|\n|1\\|2|one<br>two|", "A: 1|2; B: one / two"),
        ("|Name|Signed|\n|-|-|\n|Ada||", "Name: Ada; Signed: –"),
        ("| |Price|\n|-|-|\n|Basic|€5|too wide|", "Basic; Price: €5; too wide"),
        ("|A|B|\n|-|-|", "A; B"),
        ("Prices:\n\n- all\n\n  |A|B|\n  |-|-|\n  |1|2|\n\nEnd", "Prices:\n\n- all\n\n  A: 1; B: 2\n\nEnd"),
    ],
)
def test_a_table_is_a_line_per_row(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("See [our *help*](https://help.example/a_b).", "See our help (https://help.example/a_b)."),
        ('See [help](https://help.example "All of it")', "See help (All of it, https://help.example)"),
        ("[https://a.example/x](https://a.example/x)", "https://a.example/x"),
        ("[a.example](https://a.example/)", "a.example"),
        ("https://a.example/Köln and <ada@a.example>", "https://a.example/Köln and ada@a.example"),
        ("[Ada](mailto:ada@a.example)", "Ada (ada@a.example)"),
        ("[bank.example](https://spy.example)", "bank.example (https://spy.example)"),
        ("[press](javascript:alert(1)) [here]()", "press (javascript:alert(1)) here"),
        ("[see][1]\n\n[1]: https://a.example", "see (https://a.example)"),
        ("![the box](https://a.example/b.png)", "Image “the box” (https://a.example/b.png)"),
        ("![](https://a.example/b.png)", "Image (https://a.example/b.png)"),
    ],
)
def test_a_link_is_its_title_and_its_address(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


def test_the_data_of_an_image_is_named_by_its_beginning() -> None:
    plain = to_plain_text(f"![x](data:image/png;base64,{'A' * 5_000})")
    assert plain.startswith("Image “x” (data:image/png;base64,AAA")
    assert len(plain) < 200


def test_code_is_as_written_without_its_fence() -> None:
    code = "def f(**a):\n\n    return `[a](b)`  # &amp;"
    assert to_plain_text(f"So:\n\n```python\n{code}\n```\n\nDone.") == f"So:\n\n{code}\n\nDone."


def test_a_hidden_character_that_an_entity_makes_is_visible() -> None:
    assert to_plain_text("invoice_&#x202E;gpj.exe") == "invoice_[U+202E]gpj.exe"


def test_what_is_too_long_or_too_deep_for_a_page_is_as_written() -> None:
    for markdown in ("**a** " * MARKDOWN_LIMIT, "> " * 200 + "**a**"):
        assert to_plain_text(markdown) == markdown


@pytest.mark.parametrize("piece", ["~~a ", "[a](", "[a](b) ", "> ", "> - a\n", "|a", "- a\n\n", "&#", "  - "])
def test_it_takes_linear_time(piece: str) -> None:
    assert_linear(lambda size: to_plain_text((piece * size)[:size] + "x"), MARKDOWN_LIMIT)
