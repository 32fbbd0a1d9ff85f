"""The formats of a transcript: plain text, Markdown, and HTML for the clipboard.

People act on a pasted transcript, so the text of a message must not be mistaken for the transcript's own. In plain
text, messages are indented, and only the transcript's own lines begin at the margin. In Markdown a text is a quote, or
in a fence that is longer than any fence inside it. What would load an image, would be HTML, or would read differently
in another renderer is fenced as written. In HTML a text is a quote, and passes the same filters as on a page.
Hidden characters are made visible, and the heading of the message says so.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from html import escape

import nh3

from viewer.completions.addresses import web_address
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line
from viewer.rendering.markdown_html import is_portable, render_prose

from .blocks import Attribution, Block, Closing, Fact, Facts, Heading, Line, MessageText, Note, Title
from .plain_text import to_plain_text

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&!])")
_BACKTICKS = re.compile("`+")
_SPACES = re.compile(r"^ +| {2,}", re.MULTILINE)
_MAX_LINE = 2_000  # characters of a name or a URL

# What mail programs, help desks and word processors keep when it is pasted. Borders are attributes, because no style
# sheet comes with it.
_CLIPBOARD_CLEANER = nh3.Cleaner(
    tags={
        *("p", "br", "hr", "em", "strong", "del", "a", "ul", "ol", "li", "blockquote", "h4", "h5", "h6", "pre", "code"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    },
    clean_content_tags={"figcaption"},  # of code: its language
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}, "li": {"value"}, "th": {"align"}, "td": {"align"}},
    set_tag_attribute_values={"table": {"border": "1", "cellpadding": "4", "cellspacing": "0"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=None,
)


class Format(ABC):
    """Writes blocks one by one; what they give, joined, is the transcript."""

    def write(self, block: Block) -> str:
        match block:
            case Title(words):
                return self._title(words)
            case Facts(facts):
                return self._facts([_in_one_line(fact) for fact in facts])
            case Heading():
                return self._heading(block)
            case Note(words):
                return self._note(in_one_line(words, _MAX_LINE))
            case Line(words, url):
                return self._line(in_one_line(words, _MAX_LINE), url)
            case MessageText():
                return self._text(block)
            case Attribution(words, url):
                return self._attribution(in_one_line(words, _MAX_LINE), url)
            case Closing(words):
                return self._closing(in_one_line(words, _MAX_LINE))

    @abstractmethod
    def _title(self, words: str) -> str: ...

    @abstractmethod
    def _facts(self, facts: list[Fact]) -> str: ...

    @abstractmethod
    def _heading(self, heading: Heading) -> str: ...

    @abstractmethod
    def _note(self, words: str) -> str: ...

    @abstractmethod
    def _line(self, words: str, url: str) -> str: ...

    @abstractmethod
    def _text(self, message: MessageText) -> str: ...

    @abstractmethod
    def _attribution(self, words: str, url: str) -> str: ...

    @abstractmethod
    def _closing(self, words: str) -> str: ...


class PlainText(Format):
    """Text without any marks. The text of messages is indented, unless nothing of the transcript's own is beside it."""

    def __init__(self, *, is_quote: bool = False) -> None:
        self._indent, self._own_indent = ("", "") if is_quote else ("    ", "  ")

    def _title(self, words: str) -> str:
        return f"{words}\n\n"

    def _facts(self, facts: list[Fact]) -> str:
        return "".join(f"{fact.name}: {fact.value}\n" for fact in facts)

    def _heading(self, heading: Heading) -> str:
        return f"\n== {heading.before}{heading.place}{heading.after} ==\n"

    def _note(self, words: str) -> str:
        return f"\n{self._own_indent}{words}\n"

    def _line(self, words: str, url: str) -> str:
        return f"{self._own_indent}{words if words.endswith(url) else f'{words} ({url})'}\n"

    def _text(self, message: MessageText) -> str:
        text = to_plain_text(message.text) if message.kind == "markdown" else message.text
        return "".join(f"{self._indent}{line}\n" if line else "\n" for line in _LINE_BREAK.split(text))

    def _attribution(self, words: str, url: str) -> str:
        return f"\n-- {', '.join(filter(None, (words, url)))}\n"

    def _closing(self, words: str) -> str:
        return f"\n-- {words} --\n"


class Markdown(Format):
    """Markdown that other programs render with the same words."""

    def _title(self, words: str) -> str:
        return f"# {words}\n\n"

    def _facts(self, facts: list[Fact]) -> str:
        return "".join(
            f"- **{_escaped(fact.name)}:** {f'<{fact.value}>' if fact.is_link else _escaped(fact.value)}\n"
            for fact in facts
        )

    def _heading(self, heading: Heading) -> str:
        place = _escaped(heading.place).replace("\\#", "#")
        place = f"[{place}](<{heading.url}>)" if heading.url else place
        return f"\n## {_escaped(heading.before)}{place}{_escaped(heading.after)}\n"

    def _note(self, words: str) -> str:
        return f"\n{_escaped(words)}\n"

    def _line(self, words: str, url: str) -> str:
        return f"\n{_escaped(words)}{f' <{url}>' if url else ''}\n"

    def _text(self, message: MessageText) -> str:
        lines = _LINE_BREAK.split(message.text)
        if message.kind == "markdown":
            quoted = "".join(f"> {line}\n" if line else ">\n" for line in lines)
            if is_portable(quoted):
                return f"\n{quoted}"
        fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(message.text)), default=0))
        return "\n" + "\n".join([fence, *lines, fence]) + "\n"

    def _attribution(self, words: str, url: str) -> str:
        return f"\n— {_escaped(words)}{f', <{url}>' if url else ''}\n"

    def _closing(self, words: str) -> str:
        return f"\n**{_escaped(words)}**\n"


class Html(Format):
    """HTML for the clipboard: it looks right wherever it is pasted, loads nothing and runs nothing."""

    def _title(self, words: str) -> str:
        return f"<p><b>{escape(words)}</b></p>"

    def _facts(self, facts: list[Fact]) -> str:
        lines = (
            f"<b>{escape(fact.name)}:</b> {_link(fact.value, fact.value) if fact.is_link else escape(fact.value)}"
            for fact in facts
        )
        return f"<p>{'<br>'.join(lines)}</p>"

    def _heading(self, heading: Heading) -> str:
        place = _link(heading.place, heading.url) if heading.url else escape(heading.place)
        return f"<p><b>{escape(heading.before)}{place}{escape(heading.after)}</b></p>"

    def _note(self, words: str) -> str:
        return f"<p><i>{escape(words)}</i></p>"

    def _line(self, words: str, url: str) -> str:
        where = f" ({_link(url, url)})" if url else ""
        return f"<p>{escape(words)}{where}</p>"

    def _text(self, message: MessageText) -> str:
        return f'<blockquote dir="auto">{_html_of(message)}</blockquote>'

    def _attribution(self, words: str, url: str) -> str:
        return f"<p>— {_link(words, url) if url else escape(words)}</p>"

    def _closing(self, words: str) -> str:
        return f"<p><i>{escape(words)}</i></p>"


def _html_of(message: MessageText) -> str:
    if message.kind == "code":
        return f"<pre>{escape(message.text)}</pre>"
    if message.kind == "markdown" and not (prose := render_prose(message.text)).is_unformatted:
        return _CLIPBOARD_CLEANER.clean(prose.html)
    paragraphs = re.split(r"\n\n+", _LINE_BREAK.sub("\n", message.text))
    return "".join(f"<p>{_spaces_kept(escape(text)).replace(chr(10), '<br>')}</p>" for text in paragraphs)


def _spaces_kept(text: str) -> str:
    return _SPACES.sub(lambda spaces: "\N{NO-BREAK SPACE}" * len(spaces[0]), text)


def _link(words: str, url: str) -> str:
    return f'<a href="{escape(url)}">{escape(words)}</a>' if web_address(url) else escape(words)


def _in_one_line(fact: Fact) -> Fact:
    name, value = (in_one_line(escape_invisible(text), _MAX_LINE) for text in (fact.name, fact.value))
    return Fact(name, value, fact.is_link)


def _escaped(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)
