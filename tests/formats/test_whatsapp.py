"""Chats as phones write them; what differs by system and language is as others have recorded it from 2018 to 2026."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import completion_of, conversation_in, conversations_in, messages_of, refusals_in
from viewer.completions.types import FilePart, ImagePart, text_of
from viewer.formats.document import Conversation

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
_ANDROID = """\
01/02/2025, 10:01 - Messages and calls are end-to-end encrypted. Tap to learn more.
01/02/2025, 10:01 - Ann: Where is A17?
It is late: two weeks
01/02/2025, 10:02 - Shop: On its way
"""
_IPHONE = """\
[01.02.25, 10:01:00] Ann Bee: \u200eNachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Nur Personen in diesem Chat …
[01.02.25, 10:01:05] Ann Bee: Wo ist A17?
[01.02.25, 10:02:00] Laden: Unterwegs \u200e<Diese Nachricht wurde bearbeitet.>
\u200e[01.02.25, 10:03:00] Ann Bee: \u200e<Anhang: 00000005-PHOTO-2025-02-01-10-03-00.jpg>
[01.02.25, 10:04:00] Ann Bee: \u200eBild weggelassen
"""


def in_folder(folder: Path, name: str, text: str) -> list[Conversation]:
    (folder / name).write_text(text, newline="")
    return conversations_in(folder / name)


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, text_of(message)) for message in messages_of(conversation)]


def times_of(text: str, folder: Path) -> list[str]:
    (conversation,) = in_folder(folder, "WhatsApp Chat with Ann.txt", text)
    return [str(message.created) for message in messages_of(conversation)]


@pytest.mark.parametrize(
    "name",
    ["WhatsApp Chat with Ann.txt", "WhatsApp Chat mit Ann (1).txt", "Chat de WhatsApp con Ann.txt", "Ann ile WhatsApp.txt"],
)  # fmt: skip
def test_the_customer_is_who_whatsapp_has_named_the_file_after(tmp_path: Path, name: str) -> None:
    (conversation,) = in_folder(tmp_path, name, _ANDROID)
    assert said(conversation) == [
        ("event", "Messages and calls are end-to-end encrypted. Tap to learn more."),
        ("user", "Where is A17?\nIt is late: two weeks"), ("assistant", "On its way"),
    ]  # fmt: skip
    assert completion_of(conversation).metadata == {"customer_name": "Ann"}


def test_an_iphone_names_the_customer_also_in_the_first_line_and_marks_its_own_words() -> None:
    """So a file `_chat.txt` is enough; the customer did not say what the line says."""
    conversation = conversation_in(_IPHONE.replace("\n", "\r\n").encode())
    event, asked, answered, photo, left_out = messages_of(conversation)
    assert [message.role for message in (event, asked, answered, photo, left_out)] == [
        "event", "user", "assistant", "user", "user",
    ]  # fmt: skip
    assert (text_of(answered), [note.code for note in answered.origin.notes]) == ("Unterwegs", ["edited"])
    assert [type(part) for part in photo.parts] == [ImagePart]
    assert [note.code for note in photo.origin.notes] == ["missing-file"]
    assert (text_of(left_out), [note.code for note in left_out.origin.notes]) == ("Bild weggelassen", ["lost-file"])


def test_one_who_never_answered_is_still_the_customer(tmp_path: Path) -> None:
    only = "01/02/2025, 10:02 - Shop: Is all well?\n01/02/2025, 10:03 - Shop: <Media omitted>\n"
    (conversation,) = in_folder(tmp_path, "WhatsApp Chat with Ann.txt", only)
    assert [message.role for message in messages_of(conversation)] == ["assistant", "assistant"]


def test_a_chat_that_does_not_say_who_is_the_customer_is_refused_with_what_to_do() -> None:
    (reason,) = refusals_in(_ANDROID.encode())
    assert "WhatsApp" in reason
    assert "give the file a name" in reason


def test_in_a_group_all_are_users_by_their_names(tmp_path: Path) -> None:
    text = (
        _ANDROID
        + "01/02/2025, 10:03 - +49 170 1: Me too\n01/02/2025, 10:04 - Ann changed the subject from “A: b” to “C”\n"
    )
    (conversation,) = in_folder(tmp_path, "WhatsApp Chat with Orders.txt", text)
    assert [(message.role, message.name) for message in messages_of(conversation)] == [
        ("event", ""), ("user", "Ann"), ("user", "Shop"), ("user", "+49 170 1"), ("event", ""),
    ]  # fmt: skip
    assert completion_of(conversation).metadata == {"chat": "WhatsApp Chat with Orders"}
    (again,) = in_folder(tmp_path, "WhatsApp Chat with Orders (1).txt", text)
    assert again.id == conversation.id


def packed(**files: Any) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files["files"].items():
            archive.writestr(name, content)
    return held.getvalue()


def test_what_was_sent_is_read_from_beside_the_chat_and_never_from_beside_another(tmp_path: Path) -> None:
    """Android counts the files of each chat from `WA0000`, so two chats have pictures of the same name."""
    line = "01/02/2025, 10:05 - Ann: \u200eIMG-20250201-WA0000.jpg (file attached)\nTorn\n"
    document = "01/02/2025, 10:06 - Ann: A17 (new).pdf (file attached)\n"
    chat, name = _ANDROID + line + document, "WhatsApp Chat with Ann"
    files = {f"{name}.txt": chat, "IMG-20250201-WA0000.jpg": _PNG, "A17 (new).pdf": b"%PDF-1.7"}
    (tmp_path / f"{name}.zip").write_bytes(packed(files=files))
    (conversation,) = conversations_in(tmp_path / f"{name}.zip")
    *_, picture, paper = messages_of(conversation)
    assert text_of(picture) == "Torn"
    assert [type(part) for part in (*picture.parts, *paper.parts)][1:] == [ImagePart, FilePart]
    assert not picture.origin.notes

    (tmp_path / f"{name}.zip").unlink()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.txt").write_text(chat)
    (tmp_path / "b" / "IMG-20250201-WA0000.jpg").write_bytes(_PNG)
    first, second = conversations_in(tmp_path)
    missing = [[note.code for note in messages_of(one)[3].origin.notes] for one in (first, second)]
    assert missing == [["missing-file"], []]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("9/19/25, 9:52\u202fPM - ", "2025-09-19 21:52:00+00:00"),  # en-US since Android 14, with a narrow space
        ("1/2/25, 12:05 AM - ", "2025-01-02 00:05:00+00:00"),  # months come first where days have no zeros
        ("01/02/25, 9:52\u202fam - ", "2025-02-01 09:52:00+00:00"),  # en-IN
        ("01/02/2025, 21:52 - ", "2025-02-01 21:52:00+00:00"),  # en-GB
        ("1/2/25 1:05 p. m. - ", "2025-02-01 13:05:00+00:00"),  # es-MX
        ("23.03.22 13:31 - ", "2022-03-23 13:31:00+00:00"),  # cs, without a comma
        ("2025-01-02 15:04 - ", "2025-01-02 15:04:00+00:00"),
        ("[2025/1/2, 15:04:05] ", "2025-01-02 15:04:05+00:00"),
        ("[1.2.2025, 12.00.01] ", "2025-02-01 12:00:01+00:00"),  # fi
        ("1/2/25, 15:04 - ", "None"),  # en-US with 24 hours, or es: nothing tells
        ("[9/3/68, 13:41:40] ", "None"),  # th: a year that is not ours
        ("[3/18/2565 BE, 14:56:01] ", "None"),
        ("[3/18/R4, 14:56:01] ", "None"),  # ja
        ("[14:56:01, 18/3/22] ", "2022-03-18 14:56:01+00:00"),  # vi, the time first
        ("[2025/1/2, 下午3:04:05] ", "2025-01-02 15:04:05+00:00"),
        ("[2025/1/2, 中午12:04:05] ", "None"),
    ],
)  # fmt: skip
def test_a_time_is_read_where_the_chat_tells_how_it_is_written_and_otherwise_left_out(
    tmp_path: Path, written: str, expected: str
) -> None:
    assert times_of(f"{written}Ann: Hello\n{written}Shop: Hi\n", tmp_path) == [expected, expected]


def test_the_order_of_days_and_months_is_told_by_what_goes_forward(tmp_path: Path) -> None:
    text = "".join(f"{day}, 15:04 - Ann: {day}\n" for day in ("11/1/24", "12/1/24", "1/2/25", "2/1/25"))
    assert times_of(text, tmp_path)[2] == "2025-01-02 15:04:00+00:00"


def test_a_chat_that_has_grown_is_the_same_conversation(tmp_path: Path) -> None:
    (before,) = in_folder(tmp_path, "WhatsApp Chat with Ann.txt", _ANDROID)
    (after,) = in_folder(tmp_path, "WhatsApp Chat with Ann.txt", _ANDROID + "02/02/2025, 09:00 - Ann: Thanks\n")
    assert before.id == after.id
    assert before.digest != after.digest


def test_the_log_of_a_program_is_no_chat() -> None:
    log = b"[2025-01-01 10:00:00] production.ERROR: Lost\n[2025-01-01 10:00:01] production.INFO: Found\n"
    assert not any("WhatsApp" in reason for reason in refusals_in(log))
