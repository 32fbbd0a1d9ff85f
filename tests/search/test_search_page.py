from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, make_long, say
from tests.pages import attributes, completion_ids, element, elements, has, link, texts, visible
from viewer.archive.importing import import_lines
from viewer.archive.search import matching, results

Store = Callable[..., Any]


def opened(reader: Client, question: str, **asked: str) -> str:
    answer = reader.get("/search/", {"q": question, **asked})
    assert answer.status_code == 200
    return answer.content.decode()


def hits(page: str) -> list[str]:
    return attributes(page, "href", "a.found__hit")


def leads_to(reader: Client, given: str) -> str:
    """Follow what is put into the box to the address where it ends."""
    answer = reader.get("/search/", {"q": given}, follow=True)
    return answer.redirect_chain[-1][0] if answer.redirect_chain else "search"


def test_a_result_says_who_where_and_when_and_leads_to_the_message(reader: Client, stored: Store) -> None:
    stored(
        make_completion(
            "c-1",
            say("user", "Where is my <b>refund</b>?"),
            say("assistant", None, refusal="No refund."),
            choices=[make_choice("A refund was sent.")],
            metadata={"desk": "refund"},
        )
    )
    page = opened(reader, "refund")
    assert hits(page) == [
        "/completions/c-1/messages/c-1-0/?find=refund",
        "/completions/c-1/messages/c-1-1/?find=refund",
        "/completions/c-1/choices/0/?find=refund",
    ]
    assert elements(page, "a.found__hit > span[dir]")[0].text().strip() == "Where is my <b>refund</b>?"
    links = attributes(page, "href", "li.found copy-link a")
    assert links == [address.split("?")[0] for address in hits(page)]
    assert texts(page, "mark") == ["refund"] * 3
    text = visible(page)
    assert "1 conversation" in text
    assert "Where is my <b>refund</b>? desk: refund gpt-4.1 2 2 messages Refusals: 1" in text
    assert "Answer A refund was sent." in text
    assert "Customer #0 Where is my" in text
    assert reader.get(hits(page)[0]).status_code == 200


def test_a_result_leads_to_the_answer_or_the_pair_that_holds_the_words(reader: Client, stored: Store) -> None:
    choices = [make_choice("A parcel"), make_choice("A refund", 1)]
    stored(
        make_completion("c-1", say("user", "Hi"), choices=choices, metadata={"ticket no": "HB-90417", "desk": "north"}),
        make_completion("c-2", choices=[], model="odd"),
    )
    page = opened(reader, "refund")
    assert hits(page) == ["/completions/c-1/choices/1/?find=refund"]
    assert "Answer 2 of 2 A refund" in visible(page)
    page = opened(reader, "hb-90417")
    assert hits(page) == ["/completions/c-1/?pair=ticket+no"]
    assert "Metadata ticket no: HB-90417" in visible(page)
    page = reader.get(hits(page)[0]).content.decode()
    assert has(page, "details.facts__fold[open]")
    assert texts(page, "mark") == ["HB-90417"]
    assert has(page, 'search.find[aria-label="Find in this conversation"][hidden]')
    page = opened(reader, "model:odd")
    assert completion_ids(page) == ["c-2"]
    assert hits(page) == []
    page = opened(reader, "odd 1 Nov")
    assert hits(page) == ["/completions/c-2/"]
    assert texts(page, "mark") == ["odd", "1 November"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("chatcmpl-long", "/completions/chatcmpl-long/"),
        ("  chatcmpl-long-31 ", "/completions/chatcmpl-long/messages/chatcmpl-long-31/"),
        ("chatcmpl-gone", "/completions/chatcmpl-gone/"),
        ("odd", "/completions/odd/"),
        ("odd-0", "/completions/odd/messages/odd-0/"),
        ("https://lectern.example/completions/odd/messages/odd-0/?from=mail#x", "/completions/odd/messages/odd-0/"),
        ("https://lectern.example/completions/odd/choices/0/?find=x", "/completions/odd/choices/0/"),
        ("/completions/odd/choices/0/raw/", "/completions/odd/choices/0/"),
        ("https://elsewhere.example/page", "search"),
        ("chatcmpl-long and more", "search"),
        ("refund", "search"),
    ],
)
def test_the_box_opens_what_it_names_and_searches_for_the_rest(
    reader: Client, stored: Store, given: str, expected: str
) -> None:
    stored(make_long("chatcmpl-long", 40), make_completion("odd", say("user", "x")))
    assert leads_to(reader, given) == expected


@pytest.mark.parametrize("order", ["newest", "best"])
def test_following_next_page_gives_every_conversation_once(reader: Client, stored: Store, order: str) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "refund é&"), created=n) for n in range(45)))
    seen: list[str] = []
    page = opened(reader, "refund é& -voucher", order=order)
    while True:
        seen += completion_ids(page)
        later = link(page, "later")
        if not later:
            break
        page = reader.get(later, headers={"HX-Request": "true"} if len(seen) < 40 else {}).content.decode()
    assert sorted(seen) == sorted(f"c-{n}" for n in range(45))
    assert "Back to the first page" in page


def test_a_talkative_conversation_offers_the_rest_of_its_messages(reader: Client, stored: Store) -> None:
    stored(make_long("talkative", 30))
    page = opened(reader, "number")
    assert len(hits(page)) == 3
    more = element(page, "a.found__more")
    assert more.attributes["href"] == "/search/?q=number+id%3Atalkative"
    assert visible(more) == "27 more in this conversation"
    inside = opened(reader, "number id:talkative")
    assert len(hits(inside)) == 20
    assert "more in this conversation" not in inside
    assert link(inside, "later")


def test_operators_are_chips_that_can_be_taken_off_and_facets_put_one_on(reader: Client, stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "refund"), metadata={"tier": "gold"}) for n in range(3)))
    page = opened(reader, 'refund -model:o4-mini meta.tier:"gold"', order="best")
    without = attributes(page, "href", 'a[aria-label="Remove filter Model not o4-mini"]')
    assert without == ["/search/?q=refund+meta.tier%3A%22gold%22&order=best"]
    narrower = "/search/?q=refund+-model%3Ao4-mini+meta.tier%3A%22gold%22+model%3Agpt-4.1&order=best"
    assert narrower in attributes(page, "href", ".facets a")


def test_nothing_found_says_what_to_do_and_what_is_not_covered(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "refund")))
    page = opened(reader, "zebra has:cheese")
    text = visible(page)
    assert "No results" in text
    assert "has:cheese is unknown" in text
    assert visible(element(page, "main h1")) == "Search the archive"
    assert "import_completions" not in text
    assert has(page, 'input[value="zebra has:cheese"]')
    assert not has(page, ".list-filters__actions button")  # nothing to mark, nothing to save


def test_the_note_names_the_source_that_is_browsed(reader: Client, alice: Any) -> None:
    key = make_key(alice, label="Azure desk")
    reader.post("/keys/choose/", {"key": str(key.pk)})
    assert "This searches the archive. Conversations of Azure desk can be" in visible(opened(reader, "refund"))


def test_an_empty_search_explains_the_operators(reader: Client, db: None) -> None:
    page = opened(reader, "  ")
    assert "Search the archive" in visible(page)
    assert has(page, 'a[href="/search/?q=has%3Arefusal"]')


def test_hidden_characters_are_shown_in_results(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "refund invoice_\u202egpj.exe")))
    page = opened(reader, "refund \u202e")
    assert "invoice_[U+202E]gpj.exe" in visible(page)
    assert "\u202e" not in str(element(page, "main").html)


def test_a_result_in_another_field_of_the_completion_opens_it(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "Hi"), related_questions=["What of my refund?"]))
    [address] = hits(opened(reader, "refund"))
    assert address == "/completions/c-1/?field=related_questions"
    page = reader.get(address).content.decode()
    assert has(page, "details.facts__fold[open]")
    assert texts(page, "details.fold[open] > summary[autofocus] > bdi") == ["related_questions"]


def test_half_a_character_does_not_end_the_search(reader: Client) -> None:
    list(import_lines([json.dumps(make_completion("c-1", say("user", "refund \ud83d"))).encode()]))
    assert "refund \ufffd" in texts(opened(reader, "refund"), "a.found__hit > span:has(mark)")


def test_prompts_are_left_out_until_they_are_asked_for(reader: Client, stored: Store) -> None:
    tools = [{"type": "function", "function": {"name": "pay", "description": "Pays a refund."}}]
    stored(
        make_completion("c-1", say("system", "Never promise a refund."), say("user", "Where is my refund?")),
        make_completion("c-2", say("system", "Never promise a refund."), say("user", "Hi")),
        make_completion("c-3", say("user", "Hi"), tools=tools),
    )
    page = opened(reader, "refund")
    assert completion_ids(page) == ["c-1"]
    assert "2 more only in prompts: search these as well" in visible(page)
    chips = {visible(chip): str(chip.attributes["href"]) for chip in elements(page, ".facets a")}
    assert [chip for chip in chips if chip.startswith(("Customer", "Prompts"))] == [
        "Customer 1 1 conversation", "Prompts 3 3 conversations",
    ]  # fmt: skip
    everywhere = reader.get(next(at for at in attributes(page, "href", "p a") if "all" in at)).content.decode()
    assert sorted(completion_ids(everywhere)) == ["c-1", "c-2", "c-3"]


def test_a_word_that_nobody_wrote_is_corrected_and_a_number_never(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "two glasses <b> of glass, TK-30582")))
    answer = reader.get("/search/", {"q": "glases <b>"}, follow=True)
    page = answer.content.decode()
    assert completion_ids(page) == ["c-1"]
    assert texts(page, ".notice b") == ["glases <b>", "glasses <b>"]
    typed = next(at for at in attributes(page, "href", ".notice a") if "typed=" in at)
    page = reader.get(typed).content.decode()
    assert completion_ids(page) == []
    assert "With the word glasses 1 conversation" in visible(page)
    assert completion_ids(opened(reader, "TK-30528")) == []


@pytest.mark.parametrize("question", ["Haftpflichtversicherung", "Einfahrt"])
def test_a_part_of_a_compound_and_a_longer_one_find_it(reader: Client, stored: Store, question: str) -> None:
    stored(make_completion("c-1", say("user", "Zahlt die Haftpflicht für die Garageneinfahrt?")))
    first = attributes(opened(reader, question, typed=""), "href", ".suggestions a")[0]
    assert completion_ids(reader.get(first).content.decode()) == ["c-1"]


def test_small_words_are_left_out_and_the_page_says_so(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "I was charged twice")))
    page = opened(reader, "why was I charged")
    assert completion_ids(page) == ["c-1"]
    assert "Not searched, because so many conversations have them: why, was, I. In quotes they are." in visible(page)
    assert completion_ids(opened(reader, "was IT charged")) == []  # a word of its own


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("refnud", ["With the word refund 2 conversations"]),
        ("TK-30528", ["With the word tk30582 1 conversation"]),
        ("refund elephant", ["Without elephant 2 conversations"]),
        ("refund model:none", ["Without model:none 2 conversations"]),
        ("policy", ["In prompts and tool definitions as well 1 conversation"]),
        ('"TK-30582 refund"', ["With the words anywhere in the conversation 1 conversation"]),
        ("same: sent TK-30582", ["With the words anywhere in the conversation 1 conversation", "Without sent 1 conversation", "Without TK-30582 1 conversation"]),
        ("refund zebra elephant", ["Only refund 2 conversations"]),
        ("zzzz", []),
    ],
)  # fmt: skip
def test_nothing_found_offers_what_would_find_something(
    reader: Client, stored: Store, question: str, expected: list[str]
) -> None:
    stored(
        make_completion("c-1", say("system", "policy"), say("user", "where is refund TK-30582?"), say("assistant", "It was sent.")),
        make_completion("c-2", say("user", "A refund!")),
    )  # fmt: skip
    page = opened(reader, question, typed="")
    offered = {visible(one): str(one.css_first("a").attributes["href"]) for one in elements(page, ".suggestions li")}
    assert list(offered) == expected
    for said, address in offered.items():
        assert len(completion_ids(reader.get(address).content.decode())) == int(said.split()[-2])


def test_a_text_that_stands_in_many_conversations_is_shown_once(reader: Client, stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "A refund, please"), choices=[]) for n in range(3)))
    page = opened(reader, "refund")
    assert len(completion_ids(page)) == 3
    assert texts(page, "mark") == ["refund"]
    assert [visible(one) for one in elements(page, "a.found__hit")][1:] == ["Customer #0 The same text as above"] * 2


def test_a_repeated_text_is_shown_within_one_conversation(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", *[say("user", "A refund, please")] * 3, choices=[]))
    assert len(hits(opened(reader, "refund"))) == 1
    assert texts(opened(reader, "refund id:c-1"), "mark") == ["refund"] * 3


def test_a_search_that_has_found_nothing_so_far_goes_on(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "_MAX_LOOKED_AT", 10)
    said = ["safe account" if n == 0 else "account safe" for n in range(30)]
    stored(*(make_completion(f"c-{n}", say("user", text), choices=[], created=n) for n, text in enumerate(said)))
    page, pages = opened(reader, '"safe account"'), 1
    while not completion_ids(page):
        assert "No results" not in page
        page, pages = reader.get(link(page, "later")).content.decode(), pages + 1
    assert (completion_ids(page), pages) == (["c-0"], 3)


def test_the_results_are_the_list_of_a_conversation_that_is_opened_from_them(reader: Client, stored: Store) -> None:
    stored(
        *(make_completion(f"c-{n}", say("user", f"A refund of {n}"), choices=[], created=n) for n in range(5)),
        make_completion("other", say("user", "Hello"), created=3),
    )
    search = opened(reader, "refund", order="newest")
    assert completion_ids(search) == ["c-4", "c-3", "c-2", "c-1", "c-0"]
    address, referer = hits(search)[2], {"Referer": "http://testserver/search/?q=refund&order=newest"}
    page = reader.get(address, headers=referer).content.decode()
    assert has(page, 'input[name=q][value="refund"]')
    assert visible(element(page, ".side__head")) == "Results for refund Newest first"
    assert set(attributes(page, "href", ".side__head a, back-link a")) == {"/search/?q=refund&order=newest"}
    beside = reader.get(element(page, ".side [hx-get]").attributes["hx-get"], headers={"HX-Request": "true"})
    assert completion_ids(beside.content.decode()) == ["c-4", "c-3", "c-2", "c-1", "c-0"]
    assert texts(beside.content.decode(), "mark") == ["refund"] * 5
    following = reader.get(str(element(page, ".conversation-head a[rel=next]").attributes["href"]))
    assert following["Location"] == "/completions/c-1/messages/c-1-0/?find=refund"
    assert reader.get(following["Location"]).content.decode().count("Results for refund") == 1  # kept
    before = reader.get(str(element(page, ".conversation-head a[rel=prev]").attributes["href"]))
    assert before["Location"] == "/completions/c-3/messages/c-3-0/?find=refund"
    opened_by_id = reader.get("/completions/other/").content.decode()
    assert "Results for refund" not in opened_by_id
    last = reader.get("/completions/c-0/next/?q=refund&order=newest", follow=True).content.decode()
    assert "This is the last result." in last
    first = reader.get("/completions/c-4/previous/?q=refund&order=newest", follow=True).content.decode()
    assert "This is the first result." in first


@pytest.mark.parametrize("order", ["newest", "best"])
def test_the_list_beside_a_result_goes_on_in_both_directions(
    reader: Client, stored: Store, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "MAX_RANKED", 25)  # so that the best come in several lots
    stored(*(make_completion(f"c-{n}", say("user", "refund " * (n % 7 + 1)), choices=[], created=n) for n in range(60)))
    page, whole = opened(reader, "refund", order=order), list[str]()
    while True:
        whole += completion_ids(page)
        if not (later := link(page, "later")):
            break
        page = reader.get(later).content.decode()
    assert len(whole) == 60

    def beside(address: str) -> tuple[list[str], list[str]]:
        answer = reader.get(address, headers={"HX-Request": "true"}).content.decode()
        return completion_ids(answer), attributes(answer, "hx-get", "[hx-get]")

    ids, (above, below) = beside(f"/completions/{whole[30]}/beside/?q=refund&order={order}")
    while above or below:
        if above:
            more, links = beside(above)
            ids, above = more + ids, next(iter(links), "")
        if below:
            more, links = beside(below)
            ids, below = ids + more, next(iter(links), "")
    assert ids == whole
    around = opened(reader, "refund", order=order, around=whole[45])
    assert completion_ids(around) == whole[25:]


def test_results_of_words_say_how_the_answer_ended(reader: Client, stored: Store) -> None:
    cut = make_choice("Well, the") | {"finish_reason": "length"}
    stored(make_completion("cut", say("user", "refund"), choices=[cut]), make_completion("well", say("user", "refund")))
    assert texts(reader.get("/search/", {"q": "refund"}).content.decode(), ".row__answer") == ["Cut off"]


def test_a_search_for_nothing_is_no_list(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "refund")))
    page = opened(reader, "")
    assert not has(page, ".filter-chip")
    assert not has(page, ".list-filters__actions button")
    rail = reader.get(attributes(page, "hx-get", ".rail")[0])
    assert not has(page, ".rail [aria-current]")
    assert not has(rail.content.decode(), ".rail [aria-current]")


def test_who_has_seen_everything_is_told_so(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1", say("user", "refund")))
    reader.get("/completions/c-1/")
    page = opened(reader, "seen:no")
    assert visible(element(page, ".empty h2")) == "You have seen everything"
    assert visible(element(page, "title")) == "Not yet seen · Lectern"
    assert visible(element(opened(reader, "seen:no refund"), ".empty h2")) == "No results"


@pytest.mark.parametrize(
    ("query", "chip"),
    [
        ("seen:no", "Not yet seen"),
        ("-seen:yes", "Not yet seen"),
        ("seen:yes", "Seen by me"),
        ("-has:error", "Without Tool errors"),
        ("-meta.tier:gold", "tier not gold"),
        ("meta.tier:gold", "tier gold"),
    ],
)
def test_a_chip_reads_as_one_phrase(reader: Client, stored: Store, query: str, chip: str) -> None:
    assert texts(opened(reader, query), ".filter-chip") == [chip]


def test_the_tips_name_metadata_that_the_archive_has(reader: Client, stored: Store) -> None:
    caches["guesses"].clear()
    assert "meta." not in " ".join(texts(opened(reader, ""), ".operators code"))
    caches["guesses"].clear()
    stored(make_completion("c-1", metadata={"kunde": "Acme Ltd"}))
    assert 'meta.kunde:"Acme Ltd"' in texts(opened(reader, ""), ".operators code")


def test_days_are_written_as_elsewhere_on_the_page(reader: Client, stored: Store) -> None:
    stored(*(make_completion(f"c-{n}", say("user", "Wort"), created=1_762_000_000 + n * 30_000) for n in range(6)))
    reader.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    assert "1. Nov. 2025 2 2 Gespräche" in texts(opened(reader, "Wort"), ".facets li")
