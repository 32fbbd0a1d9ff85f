"""The pages speak the reader's language: every word is marked, the German catalogue is complete, no English is left.

Those marked `translations` run in `./run translations` alone: a changed English sentence needs no German at once. None
of them needs GNU gettext, which only those who change words must have.
"""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation.template import templatize

from tests.conftest import make_completion, make_key, say
from tests.hostile import hold_everywhere
from tests.pages import attributes, has
from tests.upstream import Upstream
from viewer.archive.search.query import HAS
from viewer.keys.models import AccessToken, ApiKey
from viewer.web.templatetags.formats import ago, bytes_size, grouped, long_time, short_time

ROOT = Path(settings.BASE_DIR)
GERMAN = ROOT / "locale" / "de" / "LC_MESSAGES"
TEMPLATES = sorted(file for kind in ("html", "txt") for file in (ROOT / "templates").rglob(f"*.{kind}"))
SAID_IN = (
    *("aria-label", "alt", "placeholder", "title"),
    *(f"data-{name}" for name in ("at-the-end", "cited", "copied", "error", "failed", "in-call", "its-message")),
    *(f"data-{name}" for name in ("not-copied", "open", "press", "result", "result-in", "to-call")),
)
# The same in every language: names, what the API calls things, examples of what one types.
NAMES = {
    "Lectern", "L", "JSON", "JSON Lines", "Markdown", "Tokens", "Name", "Details", "Audio", "Tool", "Link",
    "gpt-4.1", "customer_id", "cus_20418", "customer_id, cus_20418", "English", "Deutsch", "Completion", "finish_reason",
    "Service tier", "System fingerprint", "Tool choice", "Labels", ", ".join(HAS),
}  # fmt: skip
SAID = "Zqx"  # what every text of the conversation says, so that all other words on its page are ours

Key = tuple[str, str]  # context and words
_CALL = re.compile(r"\b(?:n?p?gettext)(?:_lazy|_noop)?\(")
_DJANGO = r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"
_TAG = re.compile(rf"<!--.*?-->|<(?:{_DJANGO}|[^>])*>", re.DOTALL)
_DOCTYPE = re.compile("<!doctype html>", re.IGNORECASE)


def marked_in(source: str) -> Iterator[Key]:
    """Give what a Python source marks for translation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = re.sub("_(lazy|noop)$", "", node.func.id)
            said = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            if name in ("gettext", "ngettext") and said:
                yield "", str(said[0])
            elif name in ("pgettext", "npgettext"):
                yield str(said[0]), str(said[1])


def marked() -> set[Key]:
    """Give every word of the sources that is marked."""
    found: set[Key] = set()
    for file in (ROOT / "viewer").rglob("*.py"):
        found |= set(marked_in(file.read_text()))
    for file in TEMPLATES:
        for at in _CALL.finditer(calls := templatize(file.read_text())):
            found |= set(marked_in(_whole_call(calls[at.start() :])))
    return found


def _whole_call(code: str) -> str:
    """Cut a call off where it ends: what `templatize` puts around is no Python."""
    for end in re.finditer(r"\)", code):
        try:
            ast.parse(code[: end.end()])
        except SyntaxError:
            continue
        return code[: end.end()]
    raise AssertionError(code[:80])


def entries() -> Iterator[tuple[Key, str, list[str], str]]:
    """Read the catalogue: context and words, words for many, their translations, remarks."""
    for block in (GERMAN / "django.po").read_text().strip().split("\n\n"):
        fields: dict[str, str] = {}
        for name, said in re.findall(r'^(msg[a-z_]+(?:\[\d\])?) ((?:"[^\n]*"\n?)+)', block, re.MULTILINE):
            fields[name] = "".join(ast.literal_eval(line) for line in said.strip().split("\n"))
        remarks = "".join(line for line in block.split("\n") if line.startswith("#,"))
        told = [said for name, said in fields.items() if name.startswith("msgstr")]
        yield (fields.get("msgctxt", ""), fields["msgid"]), fields.get("msgid_plural", ""), told, remarks


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT / "templates")))
def test_every_word_of_a_template_is_marked(file: Path) -> None:
    source = re.sub(r"\{% blocktranslate.*?\{% endblocktranslate %\}", "", file.read_text(), flags=re.DOTALL)
    source = re.sub(r"\{% if [^%]*<[^%]*%\}", "", source)  # no tag begins there
    source = re.sub(r"<(code|pre|kbd)\b.*?</\1>", "", source, flags=re.DOTALL)
    said = [re.sub(_DJANGO, "\0", text) for text in _TAG.split(_DOCTYPE.split(source)[-1])]
    for tag in _TAG.findall(source):
        said += [value for name, value in re.findall(r'([\w-]+)="((?:\{.*?\}|[^"])*)"', tag) if name in SAID_IN]
    words = {word.strip(" \n·,:;()“”…#") for text in said for word in re.split("\0|" + _DJANGO, text)}
    classes = {f"page-{name}" for name in ("conversation", "entrance", "list", "print")}
    assert {word for word in words if re.search("[A-Za-z]", word)} <= NAMES | classes


@pytest.mark.translations
def test_the_german_catalogue_has_every_word_and_no_other() -> None:
    catalogue = list(entries())[1:]
    assert {key for key, *_ in catalogue} == marked()
    for key, _, told, remarks in catalogue:
        assert all(told), key
        assert "fuzzy" not in remarks, key
        for said in told:  # a value left out or misspelt would fail only on the page
            assert set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", said)) == set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", key[1])), (
                key
            )


@pytest.mark.translations
def test_what_is_compiled_is_what_is_written() -> None:
    with (GERMAN / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for (context, words), many, told, _ in list(entries())[1:]:
        for n, said in zip((1, 2), told, strict=False):
            if many:
                assert compiled.ngettext(words, many, n) == said
            else:
                assert (compiled.pgettext(context, words) if context else compiled.gettext(words)) == said
    assert len([key for key in compiled._catalog if key]) == sum(len(told) for _, _, told, _ in list(entries())[1:])


class _Said(HTMLParser):
    """Gathers what a page says: its texts, and the labels that stand in attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within.append(tag)
        has_words = {
            name: value
            for name, value in attrs
            if value and (name in SAID_IN or (name.startswith("data-") and name != "data-find"))
        }
        has_letters = {name: value for name, value in has_words.items() if re.search("[A-Za-z]{2} ?[a-z ]", value)}
        self.said |= {value for name, value in has_letters.items() if name in SAID_IN or " " in value}

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "pre", "code", "kbd", "option"} & set(self._within) and re.search(
            "[A-Za-z]{2}", data
        ):
            self.said.add(" ".join(data.split()))


def said_on(html: str) -> set[str]:
    parser = _Said()
    parser.feed(re.sub(r'<(\w+) translate="no">.*?</\1>', "", html, flags=re.DOTALL))  # names of products
    return {re.sub("^[,;:·() ]+|[,;:·() ]+$", "", said) for said in parser.said}


@pytest.fixture
def everything(reader: Client, alice: User, stored: Callable) -> None:
    """A conversation of every shape, a long one, a key and a token."""
    unanswered = {"id": "call_1", "type": "function", "function": {"name": SAID, "arguments": "{}"}}
    stored(
        hold_everywhere(SAID, "chatcmpl-all"),
        make_completion("chatcmpl-long", *[say("user", SAID) for _ in range(45)], metadata={"plain": SAID}, choices=[]),
        make_completion(
            "chatcmpl-call", say("user", SAID), say("assistant", None, tool_calls=[unanswered]), choices=[]
        ),
    )
    make_key(alice, label=SAID)
    AccessToken.objects.issue(alice, SAID)


PAGES = [
    "/completions/", f"/completions/?model={SAID}", "/completions/?model=none", "/completions/?order=asc",
    "/completions/chatcmpl-all/", "/completions/chatcmpl-all/?order=desc", "/completions/chatcmpl-call/",
    "/completions/chatcmpl-all/messages/chatcmpl-all-3/", "/completions/chatcmpl-all/choices/0/",
    "/completions/chatcmpl-all/choices/9/", "/completions/chatcmpl-long/",
    "/completions/chatcmpl-long/?after=chatcmpl-long-19", "/completions/chatcmpl-all/print/",
    "/completions/chatcmpl-all/find/", f"/completions/chatcmpl-all/find/?q={SAID}",
    "/completions/chatcmpl-all/find/?q=nowhere", "/completions/chatcmpl-none/", "/search/", f"/search/?q={SAID}",
    "/search/?q=nowhere", f"/search/?q={SAID}+role:user+-has:image+before:x+has:x+id:", "/keys/", "/tokens/", "/imports/", "/shortcuts/", "/import/",
    "/password/", "/logout/", "/password/forgotten/", "/inactive/", "/nowhere/", "/completions/open/?id=a/b",
    "/completions/chatcmpl-long/go/?to=99", "/completions/chatcmpl-long/previous/",
]  # fmt: skip
FOR_BOTH = [("everybody", page) for page in PAGES] + [("customer", page) for page in PAGES if "/chatcmpl-" in page]


@pytest.mark.translations
@pytest.mark.parametrize(("audience", "address"), FOR_BOTH)
def test_a_german_page_has_no_english_left(reader: Client, everything: None, address: str, audience: str) -> None:
    reader.cookies["audience"] = audience
    english, german = (read(reader, address, language) for language in ("en", "de"))
    assert has(german, 'html[lang="de"][dir="ltr"]')
    left = {said for said in said_on(english) & said_on(german) if not _is_the_same_in_any_language(said)}
    assert left == set()


def read(reader: Client, address: str, language: str) -> str:
    answer = reader.get(address, headers={"Accept-Language": language}, follow=True)
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
    return b"".join(answer).decode()


def _is_the_same_in_any_language(said: str) -> bool:
    """Whether it is a name, or what was received: an id, an address, JSON, fields of the API and what is wrong with them."""
    received = r"https?://\S*|\b\w+: |\ba\.example\b|annotations\[\d\]|chatcmpl-[a-z]+(?:-\d+)?|\ba (?:string|list)|\ban object"
    rest = re.sub(rf"{SAID}|{received}|\b(?:alice|AL|UTC|Lectern|kB)\b|[\"{{}}…]", "", said).strip(" ,:")
    is_json = '"' in said
    return (
        is_json
        or said in NAMES
        or not re.search("[A-Za-z]{2}", rest)
        or bool(re.fullmatch(r"[a-z_]+(?:,[ a-z_]*)*", rest))
    )


@pytest.mark.translations
def test_the_problem_of_the_feed_and_the_page_without_a_database_speak_german(reader: Client, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("viewer.conversations.views.conversation_list.chosen_source", fail)
    reader.raise_request_exception = False
    for headers in ({}, {"HX-Request": "true"}):
        answer = reader.get("/completions/", headers={"Accept-Language": "de", **headers})
        assert answer.status_code == 500
        assert "Etwas ist schiefgegangen" in answer.text
        assert "Something went wrong" not in answer.text


@pytest.mark.translations
def test_what_we_say_of_a_problem_is_translated_and_what_a_server_says_is_quoted(
    reader: Client, alice: User, upstream: Upstream
) -> None:
    ApiKey.objects.choose(alice, make_key(alice, "closed", base_url="http://127.0.0.1:9/v1"))
    page = read(reader, "/completions/", "de")
    assert "Die Verbindung kam nicht zustande oder wurde unterbrochen." in page
    assert "Antwort von: closed" not in page
    ApiKey.objects.choose(alice, make_key(alice, "strict", base_url=upstream.base("forbidden")))
    assert "Antwort von: strict" in read(reader, "/completions/", "de")


def test_the_reader_chooses_a_language_over_the_browsers(reader: Client) -> None:
    address = reverse("choose-language")
    answer = reader.post(address, {"language": "de", "next": "/keys/"}, headers={"Accept-Language": "en"})
    assert answer["Location"] == "/keys/"
    assert "API-Schlüssel" in reader.get("/keys/", headers={"Accept-Language": "en"}).text
    reader.post(address, {"language": "xx", "next": "/keys/"})
    assert "API-Schlüssel" in reader.get("/keys/").text
    assert reader.post(address, {"language": "en", "next": "https://evil.example/"})["Location"] == "/"
    assert "API keys" in reader.get("/keys/", headers={"Accept-Language": "de"}).text


@pytest.mark.slow
def test_what_is_kept_in_one_language_is_not_shown_in_another(reader: Client, everything: None) -> None:
    for address in ("/completions/chatcmpl-all/", f"/completions/chatcmpl-all/find/?q={SAID}", f"/search/?q={SAID}"):
        first = {language: _without_what_counts_visits(read(reader, address, language)) for language in ("en", "de")}
        again = {language: _without_what_counts_visits(read(reader, address, language)) for language in ("en", "de")}
        assert first == again
        assert first["en"] != first["de"]
    page = read(reader, "/completions/chatcmpl-all/", "de")
    assert f"Quelle 1: {SAID}" in attributes(page, "aria-label")


def _without_what_counts_visits(page: str) -> str:
    for token in attributes(page, "value", '[name="csrfmiddlewaretoken"]'):
        page = page.replace(token, "")
    return re.sub(r"\s*<section data-read-by>.*?</section>\s*", "\n", page, flags=re.DOTALL)


def test_the_api_speaks_english_whatever_was_read_before(reader: Client, alices_token: str) -> None:
    reader.get("/completions/", headers={"Accept-Language": "de"})
    headers = {"Authorization": f"Bearer {alices_token}", "Accept-Language": "de"}
    answer = reader.get("/v1/chat/completions/chatcmpl-none", headers=headers)
    assert answer.status_code == 404
    assert "Content-Language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("Vary", "")
    assert translation.get_language() == "en"


def test_a_page_runs_the_way_of_its_language(reader: Client, settings: Any) -> None:
    settings.LANGUAGES = [*settings.LANGUAGES, ("he", "Hebrew")]
    page = reader.get("/completions/", headers={"Accept-Language": "he"}).text
    assert has(page, 'html[lang="he"][dir="rtl"]')


def test_the_style_has_no_left_and_no_right() -> None:
    side = re.compile(
        r"(?<![\w-])(?:(?:margin|padding|border|inset)-)?(?:left|right)(?:-[\w-]+)?\s*:|:\s*(?:left|right)\b"
    )
    for file in (ROOT / "static" / "css").glob("*.css"):
        rules = re.sub(r"/\*.*?\*/|@bottom-right|url\(\"[^\"]*\"\)", "", file.read_text(), flags=re.DOTALL)
        assert not side.findall(rules), file.name
        for first in re.findall(r"(?:^|[\s;{])inset: ([^;]+);", rules):
            sides = re.findall(r"[\w.]*\([^()]*(?:\([^()]*\)[^()]*)*\)|\S+", first)
            assert len(sides) < 4 or sides[1] == sides[3] or "textarea" in rules, (file.name, first)


def test_times_sizes_and_numbers_are_written_as_the_language_does() -> None:
    moment = datetime(2024, 3, 5, 9, 7, tzinfo=UTC)
    with translation.override("en"), timezone.override("Europe/Berlin"):
        said = grouped(14_368), bytes_size(1_449_000), bytes_size(1), short_time(moment), long_time(moment)
        assert said == ("14,368", "1.4 MB", "1 byte", "5 Mar 2024", "5 Mar 2024, 10:07 CET")
    with translation.override("de"), timezone.override("Europe/Berlin"):
        said = grouped(14_368), bytes_size(1_449_000), bytes_size(61_520), short_time(moment), long_time(moment)
        assert said == ("14.368", "1,4 MB", "62 kB", "5. März 2024", "5. März 2024, 10:07 CET")


@pytest.mark.parametrize(
    ("past", "english", "german"),
    [
        (timedelta(seconds=-30), "just now", "gerade eben"), (timedelta(seconds=59), "just now", "gerade eben"),
        (timedelta(days=-1), "in the future", "in der Zukunft"),
        (timedelta(seconds=61), "1 minute ago", "vor 1 Minute"), (timedelta(hours=5), "5 hours ago", "vor 5 Stunden"),
        (timedelta(days=1, minutes=1), "1 day ago", "vor 1 Tag"), (timedelta(days=29), "29 days ago", "vor 29 Tagen"),
        (timedelta(days=31), "1 month ago", "vor 1 Monat"), (timedelta(days=364), "12 months ago", "vor 12 Monaten"),
        (timedelta(days=800), "2 years ago", "vor 2 Jahren"),
    ],
)  # fmt: skip
def test_how_long_ago_is_said_in_the_largest_unit(
    past: timedelta, english: str, german: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    moment = now - past - timedelta(seconds=0.5)
    with translation.override("en"):
        assert ago(moment) == english
    with translation.override("de"):
        assert ago(moment) == german
