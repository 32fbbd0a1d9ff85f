from __future__ import annotations

from viewer.formats.chains import Link, chained


def link(start: float, opens: str, follows: str = "", ends: str = "") -> Link:
    beginnings = tuple(each.encode() for each in follows.split())
    return Link(opens.encode(), beginnings, tuple(each.encode() for each in ends.split()), start)


def test_a_recording_goes_on_where_another_ends() -> None:
    links = [("c", link(3, "ABC", "AB A", "ABC.")), ("a", link(1, "A", "", "A")), ("b", link(2, "AB", "A", "AB"))]
    assert chained(links) == {"a": "a", "b": "a", "c": "a"}


def test_two_customers_who_say_the_same_are_two_conversations() -> None:
    links = [(n, link(n, "Hi", "", "Hi.")) for n in (1, 2)]
    links += [(3, link(3, "Hi.one", "Hi.", "Hi.one.")), (4, link(4, "Hi.two", "Hi.", "Hi.two."))]
    links += [(5, link(5, "Hi.three", "Hi.", "Hi.three."))]  # another version of the first: it has its history itself
    assert chained(links) == {1: 1, 2: 2, 3: 1, 4: 2, 5: 5}


def test_the_same_question_with_the_same_history_is_asked_again_in_the_same_conversation() -> None:
    links = [(1, link(1, "A", "", "A.")), (2, link(2, "AB", "A.", "")), (3, link(3, "AB", "A.", "AB."))]
    links += [(4, link(4, "AC", "A.", "AC.")), (5, link(5, "ABD", "AB.", "ABD."))]
    assert chained(links) == {1: 1, 2: 1, 3: 1, 4: 4, 5: 1}


def test_a_question_that_failed_leaves_the_place_to_the_next() -> None:
    links = [(1, link(1, "A", "", "A.")), (2, link(2, "AB", "A.", "")), (3, link(3, "AC", "A.", "AC."))]
    assert chained(links) == {1: 1, 2: 1, 3: 1}


def test_any_of_several_answers_may_be_gone_on_with() -> None:
    links = [(1, link(1, "A", "", "A1 A2")), (2, link(2, "A1B", "A1", "A1B.")), (3, link(3, "A2C", "A2", "A2C."))]
    assert chained(links) == {1: 1, 2: 1, 3: 3}
