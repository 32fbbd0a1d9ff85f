from __future__ import annotations

import pytest

from viewer.formats.html_text import parts_of


def text_of(html: str) -> str:
    return "".join(part["text"] for part in parts_of(html) if part["type"] == "text")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("no tags: 1 < 2 &amp; more\nlines", "no tags: 1 < 2 &amp; more\nlines"),
        ("<p>One</p><p>Two<br>lines &amp; more</p>", "One\n\nTwo\nlines & more"),
        ('<div>See <a href="https://shop.example/r">our  page</a>.</div>', "See our page (https://shop.example/r)."),
        ('<a href="https://shop.example/">https://shop.example</a>', "https://shop.example"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ("<ul><li>A</li><li>B<ol><li>x</li><li>y</li></ol></li></ul>End", "- A\n- B\n  1. x\n  2. y\n\nEnd"),
        ("Yes<blockquote><p>Is it?</p><p>Is it?</p></blockquote>Bye", "Yes\n> \n> Is it?\n> \n> Is it?\n\nBye"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<html><head><title>T</title><style>p{}</style><body><script>x()</script><p>Hi</p>", "Hi"),
        ("<p>unclosed <b>and</i> wrong", "unclosed and wrong"),
        ("<div></div>", ""),
    ],
)
def test_html_is_read_as_text(html: str, text: str) -> None:
    assert text_of(html) == text


def test_pictures_stand_where_they_were() -> None:
    before, picture, after, inline = parts_of(
        '<p>Look: <img src="https://shop.example/a.png" alt="box"> torn.</p><img src="cid:b.png">'
    )
    assert (before["text"], after["text"]) == ("Look:", "torn.")
    assert picture["image_url"] == {"url": "https://shop.example/a.png", "caption": "box"}
    assert inline["file"] == {"filename": "b.png"}
