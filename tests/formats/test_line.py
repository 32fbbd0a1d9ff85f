"""Chats of LINE: CSV of official accounts, and texts of its applications."""

from __future__ import annotations

import pytest

from tests.formats.files import conversation_in, messages_of, refusals_in
from viewer.completions.types import text_of
from viewer.formats.document import Conversation


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    return [(message.role, message.name, text_of(message)) for message in messages_of(conversation)]


@pytest.mark.parametrize(
    "head",
    [
        "アカウント名,RaRa 会員様\r\nタイムゾーン,'+09:00\r\nダウンロード日時,2026/09/15 14:34\r\n送信者タイプ,送信者名,送信日,送信時刻,内容\r\n",
        "帳號名稱,RaRa\r\n時區,'+09:00\r\n下載時間,2026/09/15 14:34\r\n傳送者類型,傳送者名稱,傳送日期,傳送時間,內容\r\n",
        "Account name,RaRa\nTime zone,'+09:00\nDownloaded on,2026/09/15 14:34\nSender type,Sender name,Date,Time,Message\n",
    ],
)
def test_a_chat_of_an_official_account_says_in_its_rows_who_is_the_customer(head: str) -> None:
    rows = (
        'Account,応答メッセージ,2025/09/18,14:22:59,"akiraさん\r\n\r\nこちらは""会員様""専用です"\r\n'
        "User,☆辻子(レギュラー),2025/09/18,14:24:55,'-3 です\r\n\r\n"
        "Account,RaRa,2025/09/19,08:06:14,はい\r\n"
    )
    conversation = conversation_in(("\ufeff" + head + rows).encode())
    assert said(conversation) == [
        ("assistant", "応答メッセージ", 'akiraさん\n\nこちらは"会員様"専用です'), ("user", "☆辻子(レギュラー)", "-3 です"),
        ("assistant", "RaRa", "はい"),
    ]  # fmt: skip
    assert str(messages_of(conversation)[1].created) == "2025-09-18 05:24:55+00:00"


TEXT = """[LINE] 花子とのトーク履歴
保存日時：2026/08/21 11:59

2025/04/18(金)
12:08\t花子\t"お疲れ様です！
2025/04/20
よろしく""お願い""します！"
12:08\t花子\t[写真]
14:13\t太郎\t"はい"

2025/04/19(土)
22:05\t\tメッセージの送信を取り消しました
22:10\t花子がメッセージの送信を取り消しました
午後11:10\t太郎\tおやすみ
"""


def test_a_text_of_line_is_named_after_the_customer_and_has_messages_of_several_lines_in_quotes() -> None:
    conversation = conversation_in(TEXT.encode())
    assert said(conversation) == [
        ("user", "花子", 'お疲れ様です！\n2025/04/20\nよろしく"お願い"します！'), ("user", "花子", "[写真]"), ("assistant", "太郎", '"はい"'),
        ("event", "", "メッセージの送信を取り消しました"), ("event", "", "花子がメッセージの送信を取り消しました"),
        ("assistant", "太郎", "おやすみ"),
    ]  # fmt: skip
    messages = messages_of(conversation)
    assert [note.code for note in messages[1].origin.notes] == ["lost-file"]
    assert [str(message.created) for message in (messages[0], messages[-1])] == [
        "2025-04-18 12:08:00+00:00", "2025-04-19 23:10:00+00:00",
    ]  # fmt: skip
    grown = conversation_in(
        TEXT.replace("2026/08/21 11:59", "2026/08/22 12:00").encode() + "23:30\t花子\tはい\n".encode()
    )
    assert grown.id == conversation.id


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("Tue, 06/01/2026", "2026-01-06 21:03:00+00:00"),  # the first of June is a Monday
        ("Mon, 06/01/2026", "2026-06-01 21:03:00+00:00"),
        ("Fri, 9/25/2026", "2026-09-25 21:03:00+00:00"),
        ("2026.01.15 Thursday", "2026-01-15 21:03:00+00:00"),
        ("06/01/2026", "None"),
    ],
)
def test_the_day_of_the_week_tells_which_number_is_the_month(day: str, expected: str) -> None:
    text = f"[LINE] Chat history with Ann Bee\nSaved on: 9/26/2026, 11:00\n\n{day}\n9:03 PM\tAnn Bee\tTorn\n9:05PM\tAnn\tSorry\n"
    conversation = conversation_in(text.encode())
    assert [message.role for message in messages_of(conversation)] == ["user", "assistant"]
    assert str(messages_of(conversation)[0].created) == expected


def test_in_a_group_all_are_users_and_what_only_begins_like_a_chat_is_none() -> None:
    text = "[LINE] Chat history in Team\n\n2026/01/15(Thu)\n10:00\tAnn\tHi\n10:01\tBo\tHello\n10:02\tCy\tHey\n"
    assert [role for role, _, _ in said(conversation_in(text.encode()))] == ["user"] * 3
    assert refusals_in(b"[LINE] is an application.\n")
    assert refusals_in(b"a,b\nc,d\n")
