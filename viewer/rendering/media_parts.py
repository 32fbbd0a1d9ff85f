"""View objects of images, audio and files: their type according to their bytes, or why they cannot be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

from django.conf import settings
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, gettext_noop, pgettext

from viewer.completions.addresses import host_of, web_address
from viewer.completions.invisibles import escape_invisible
from viewer.completions.types import AudioAnswer, AudioPart, FilePart, ImagePart

from . import media
from .limits import PageBudget
from .remote_hosts import host_of as host_of_request

NO_ADDRESS = gettext_noop("Cannot be shown, because the message has no id")
_LEFT_OUT = gettext_noop("Removed by the program that recorded the conversation")


@dataclass(frozen=True, slots=True)
class ImageView:
    """An image, or a note why it is not shown. An image on another host is loaded through us, from `load_url`.

    `source` is the URL in the message, or the beginning of data that is not an image.
    """

    template: ClassVar[str] = "rendering/parts/_image.html"
    number: int  # in its message
    url: str = ""
    type: str = ""  # the media type by its bytes
    bytes: int = 0
    width: int = 0
    height: int = 0
    detail: str = ""
    caption: str = ""
    note: str = ""
    source: str = ""
    host: str = ""
    load_url: str = ""
    is_from_tool: bool = False


@dataclass(frozen=True, slots=True)
class AudioView:
    """A recording or a spoken answer. `note` says why it cannot be played; `assumption` is what the player assumes."""

    template: ClassVar[str] = "rendering/parts/_audio.html"
    name: str
    url: str = ""
    type: str = ""
    bytes: int = 0
    format: str = ""
    transcript: str = ""
    assumption: str = ""
    expired: str = ""
    note: str = ""
    address: str = ""  # the URL that the message has in place of the bytes
    is_from_tool: bool = False


@dataclass(frozen=True, slots=True)
class FileView:
    """A file to download, or a note why there is none."""

    template: ClassVar[str] = "rendering/parts/_file.html"
    name: str
    url: str = ""
    type: str = ""
    bytes: int = 0
    format: str = ""
    note: str = ""
    address: str = ""  # the URL that the message has in place of the bytes
    is_from_tool: bool = False


def is_remote(url: str) -> bool:
    """Whether an image is on another host, over http or https."""
    return bool(host_of(web_address(url)))


def build_image(part: ImagePart, url: str, budget: PageBudget, *, number: int, is_from_tool: bool) -> ImageView:
    """Build an image; `url` is the address of its bytes."""
    detail, caption = budget.truncate(part.detail), escape_invisible(budget.truncate(part.caption))
    view = ImageView(number, detail=detail, caption=caption, is_from_tool=is_from_tool)
    data = part.url.strip()
    if not data:
        return replace(view, note=_id_note(part.file_id) if part.file_id else gettext("Image not stored"))
    if is_remote(data):
        return _remote_image(view, part.url, url, budget)
    if media.is_placeholder(data) or media.is_address(data):
        note = gettext(_LEFT_OUT) if media.is_placeholder(data) else gettext("Images are not loaded from this URL")
        return replace(view, note=note, source=escape_invisible(budget.take_beginning(data)))
    info = media.inspect(media.to_base64(data))
    if info is None:
        return replace(view, note=_no_image(), source=escape_invisible(budget.take_beginning(part.url)))
    view = replace(view, url=url, type=info.kind.type, bytes=info.bytes, width=info.width, height=info.height)
    if info.kind.is_image:
        return view if url else replace(view, note=gettext(NO_ADDRESS))
    source = "" if media.is_base64(data) else escape_invisible(budget.take_beginning(data))
    return replace(view, note=_no_image(), source=source)


def build_audio(part: AudioPart, url: str, budget: PageBudget, *, is_from_tool: bool) -> AudioView:
    """Build a recording."""
    claimed = escape_invisible(budget.truncate(part.format))
    return replace(_audio(part.data, url, gettext("Recording"), claimed), is_from_tool=is_from_tool)


def build_spoken_answer(audio: AudioAnswer, url: str, budget: PageBudget) -> AudioView:
    """Build a spoken answer with its transcript."""
    view = _audio(audio.data, url, gettext("Spoken answer"), "pcm16")
    if not audio.data:
        view = replace(view, note=_id_note(budget.truncate(audio.id)), format="")
    expired = ""
    if audio.expires and audio.expires < datetime.now(UTC):
        words = (
            gettext("Expired at OpenAI on %(day)s, kept here")
            if audio.data
            else gettext("Expired at OpenAI on %(day)s")
        )
        expired = words % {"day": date_format(audio.expires, pgettext("day", "j M Y"))}
    return replace(view, transcript=escape_invisible(budget.truncate(audio.transcript)), expired=expired)


def build_file(part: FilePart, url: str, budget: PageBudget, *, is_from_tool: bool) -> FileView:
    """Build a file; `url` is the address of its bytes."""
    name = escape_invisible(budget.truncate(part.filename or part.file_id)) or gettext("File without a name")
    view = FileView(name, is_from_tool=is_from_tool)
    data = part.data.strip()
    if note := _why_missing(data, part.file_id):
        return replace(view, note=note, address=_address_in(data))
    info = media.inspect(media.to_base64(data))
    if info is None:
        return replace(view, note=gettext("The data is corrupt"))
    extension = "" if info.kind == media.UNKNOWN else info.kind.extension
    return replace(view, url=url, type=info.kind.type, bytes=info.bytes, format=extension)


def _remote_image(view: ImageView, address: str, url: str, budget: PageBudget) -> ImageView:
    """Name the host and offer to load the image through us: opening a conversation must not contact the host."""
    host = host_of_request(address) or host_of(address)
    return replace(
        view,
        host=host,
        note=gettext("Image on %(host)s, not loaded") % {"host": host},
        source=escape_invisible(budget.take_beginning(address)),
        load_url=f"{url}remote/" if url and settings.REMOTE_IMAGES else "",
    )


def _audio(data: str, url: str, name: str, claimed: str) -> AudioView:
    """Build audio of the type of its bytes; `claimed` is the format in the message, which only raw audio needs."""
    data = data.strip()
    if note := _why_missing(data):
        return AudioView(name, format=claimed, note=note, address=_address_in(data))
    info = media.inspect(media.to_base64(data))
    if info is None:
        return AudioView(name, format=claimed, note=gettext("The data is corrupt"))
    if not url:
        return AudioView(name, bytes=info.bytes, note=gettext(NO_ADDRESS))
    if claimed == "pcm16" and info.kind == media.UNKNOWN:
        assumption = gettext("Raw audio, played as 16-bit mono at %(rate)s Hz (assumed)")
        assumption %= {"rate": number_format(media.RAW_RATE, force_grouping=True)}
        return AudioView(name, f"{url}?raw", bytes=info.bytes, format=claimed, assumption=assumption)
    note = "" if info.kind.is_audio else gettext("This audio cannot be played here")
    format_ = claimed if info.kind == media.UNKNOWN else info.kind.extension
    return AudioView(name, url, type=info.kind.type, bytes=info.bytes, format=format_, note=note)


def _why_missing(data: str, file_id: str = "") -> str:
    """Say why there are no bytes; empty if there may be some."""
    if not data:
        return _id_note(file_id) if file_id else gettext("Only the file name is stored")
    if media.is_placeholder(data):
        return gettext(_LEFT_OUT)
    return gettext("Not loaded from this URL") if media.is_address(data) else ""


def _address_in(data: str) -> str:
    return escape_invisible(data) if media.is_address(data) else ""


def _no_image() -> str:
    return gettext("This image cannot be shown here")


def _id_note(file_id: str) -> str:
    return gettext("Only its id is stored: %(id)s") % {"id": escape_invisible(file_id)}
