"""Opens what may be a file, a packed file, an archive or a folder, and yields the files that are in it."""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from viewer.completions.zstandard import zstd
from viewer.formats.document import MAX_BYTES, Find, NotReadable, Place, Refusal, find_nothing

from .kinds import LOOKED_AT

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_ZSTANDARD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # a frame, or one to skip, as pzstd writes first
_ZSTANDARD_IN_ZIP = 93  # APPNOTE.TXT 6.3.10, section 4.4.5
_INSPECT = {"header.json", "_journal/start.json"}
# JSON packs to a twentieth, histories that repeat themselves to a hundredth; a file made to fill a disk far better.
_MAX_RATIO = 500
_SMALL = 256_000_000  # bytes that any file may unpack to; all files of a ZIP together ten times as much
_MAX_DIRECTORY = 20_000_000  # bytes of the list of files in a ZIP, some 200,000; it takes ten times that in memory
_OF_SQLITE = ("-wal", "-shm", "-journal")
_DIGITS = re.compile(r"([0-9]{1,18})")
_IGNORED = ("__MACOSX/", ".")  # what systems and editors leave in archives and folders
# What office programs save is a ZIP, too: the file in it that tells them apart, and what to do.
_OFFICE: tuple[tuple[str, Promise], ...] = (
    ("xl/workbook.xml", gettext_lazy("This is an Excel workbook: save each sheet as CSV.")),
    ("xl/workbook.bin", gettext_lazy("This is an Excel workbook: save each sheet as CSV.")),
    ("word/document.xml", gettext_lazy("This is a Word document: export the data as JSON or CSV.")),
    ("ppt/presentation.xml", gettext_lazy("This is a presentation: export the data as JSON or CSV.")),
    ("META-INF/manifest.xml", gettext_lazy("This is an OpenDocument file: save a table as CSV.")),
)
# The export of a chat application: all else in it is what people sent, which `find` returns, or a page to look at.
_EXPORT = re.compile(r"conversations(?:-[0-9]{1,9})?\.json")
_UPLOAD = re.compile(
    r"(?:.*/)?file[-_][^/]*|.*\.(?:html|png|jpe?g|webp|gif|heic|svg|wav|mp3|m4a|ogg|mp4|webm|pdf|dat|txt|md|docx|xlsx|pptx)",
    re.IGNORECASE,
)
# A chat of a messenger, and what people sent in it, which lies beside it or in these folders.
_CHAT = re.compile(r"_chat\.txt|.*whatsapp.*\.txt", re.IGNORECASE)
_TELEGRAM = ("photos", "files", "video_files", "voice_messages", "round_video_messages", "stickers", "chats")
_NUMBERED = re.compile(r"message_[0-9]{1,6}\.json")  # Messenger
_MESSENGER = ("photos", "videos", "audio", "gifs", "files")
_ENCRYPTED = re.compile(r"[^/]{1,200}_[0-9]{1,9}\.json")  # Messenger, where a chat is encrypted
_SENT = re.compile(
    r".*\.(?:png|jpe?g|webp|gif|heic|mp4|3gp|mov|webm|opus|ogg|oga|m4a|mp3|aac|amr|wav|pdf|vcf|docx?|xlsx?|pptx?)",
    re.IGNORECASE,
)


# What reading a file raises that is not whole, or that the disk does not give back.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, zipfile.BadZipFile)
Beside = Callable[[str], BinaryIO | None]


def why_damaged(error: Exception) -> str:
    """Say what broke off the reading of a file."""
    if isinstance(error, NotReadable):
        return str(error)
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return error.strerror or str(error)
    return gettext("It is damaged or cut off: %s") % error


def _nothing_beside(suffix: str) -> BinaryIO | None:
    return None


@dataclass
class File:
    """One file that can be read once. `find` returns another of the same archive or folder; with `/` before its whole
    name only one that lies beside it.

    `beside` opens the file that has the same name with something behind it, as SQLite writes beside its databases.
    """

    name: str
    content: BufferedReader
    find: Find = field(default=find_nothing, repr=False)
    beside: Beside = field(default=_nothing_beside, repr=False)

    def peek(self, count: int) -> bytes:
        """Return the first bytes, without reading them."""
        return self.content.peek(count)[:count]


class _Meter:
    """Counts unpacked bytes. Raises NotReadable where there are far too many for what they were unpacked from."""

    def __init__(self, packed: Callable[[], int], small: int) -> None:
        self._packed, self._small, self._count = packed, small, 0

    def add(self, count: int) -> None:
        self._count += count
        if self._count > self._small and self._count > _MAX_RATIO * max(self._packed(), 1):
            raise NotReadable(
                gettext("It unpacks to more than %d times its size, so reading was stopped.") % _MAX_RATIO
            )


class _Bounded(RawIOBase):
    """Unpacked bytes, which end with an error where a meter says so. `count` is how many were read."""

    def __init__(self, file: Any, *meters: _Meter) -> None:
        self._file, self._meters, self.count = file, meters, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        for meter in self._meters:
            meter.add(len(data))
        return len(data)


def files_in(
    name: str, file: BinaryIO, find: Find = find_nothing, beside: Beside | None = None, meters: Sequence[_Meter] = ()
) -> Iterator[File | Refusal]:
    """Yield the files in an opened file: itself, what is packed in it, or the members of a ZIP.

    `meters` count what is unpacked, if it stands in an archive.
    """
    reader = BufferedReader(cast(Any, file), LOOKED_AT)
    beginning = reader.peek(4)[:4]
    is_zstandard = _ZSTANDARD.fullmatch(beginning) is not None
    if beginning[:2] == _GZIP or is_zstandard:
        packed = _Bounded(reader)
        meter = _Meter(lambda: packed.count, _SMALL)
        source = cast(Any, BufferedReader(cast(Any, packed)))
        unpacked = zstd.ZstdFile(source) if is_zstandard else gzip.GzipFile(fileobj=source)
        yield File(name, BufferedReader(cast(Any, _Bounded(unpacked, meter, *meters)), LOOKED_AT), find)
    elif beginning == _ZIP:
        if not reader.seekable():
            yield Refusal(gettext("A ZIP cannot be read from a pipe: save it as a file first."), Place(name))
        else:
            yield from _members(name, reader)
    else:
        yield File(name, reader, find, beside or partial(_open_beside, file))


def _open_beside(file: BinaryIO, suffix: str) -> BinaryIO | None:
    """Open what lies beside a file on disk; None if it is another kind of file, or there is nothing."""
    if not isinstance(file, BufferedReader) or not isinstance(file.name, str):
        return None
    path = Path(file.name + suffix)
    return path.open("rb") if path.is_file() and not path.is_symlink() else None


def files_of_folder(folder: Path, *, follows_links: bool = True) -> Iterator[File | Refusal]:
    """Yield the files of a folder and of the folders in it, by name; numbers in names count as numbers."""

    def find(folder: str, beginning: str) -> bytes | None:
        found = names.get(by_name.first(beginning, folder))
        return None if found is None or found.stat().st_size > MAX_BYTES else found.read_bytes()

    everything = sorted(folder.rglob("*"), key=lambda path: _natural(str(path)))
    links = set[Path]() if follows_links else {path for path in everything if path.is_symlink()}
    for link in sorted(links):
        yield Refusal(
            gettext("This is a link, which is not followed."), Place(f"{folder.name}/{link.relative_to(folder)}")
        )
    paths = [path for path in everything if path not in links and path.is_file()]
    names = {str(path.relative_to(folder)): path for path in paths}
    by_name = _ByName(names)
    for name in _to_read(names):
        path = names[name]
        try:
            with path.open("rb") as file:
                yield from files_in(f"{folder.name}/{name}", file, partial(find, _folder_of(name)))
        except OSError as error:
            yield Refusal(why_damaged(error), Place(f"{folder.name}/{name}"))


class _Archive:
    """The file of a ZIP, of which `zipfile` reads the list of its files in one piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise NotReadable(gettext("The ZIP has too many files in it: divide it."))
        return self._file.read(size)


class _OfZstandard(RawIOBase):
    """A member of a ZIP that Zstandard has packed, in one frame or in several.

    `zipfile` unpacks the first frame and then finds the checksum wrong (Python 3.14; python/cpython issue 154481), and
    unpacks none before 3.14. Inspect writes several for a sample of more than 200 MiB (inspect-ai 0.3.285).
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        packed = copy(info)
        packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
        del packed.CRC  # it is that of what is unpacked
        self._unpacked = zstd.ZstdFile(cast(Any, BufferedReader(cast(Any, archive.open(packed)))))
        self._name, self._expected, self._crc = info.filename, info.CRC, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._unpacked.readinto(buffer)
        self._crc = zlib.crc32(buffer[:count], self._crc)
        if not count and self._crc != self._expected:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {self._name!r}")
        return count


def _opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    """Open a member. Raises RuntimeError if it is locked by a password or packed in a way that is not known."""
    if info.compress_type == _ZSTANDARD_IN_ZIP:
        return BufferedReader(_OfZstandard(archive, info))
    return cast(BinaryIO, archive.open(info))


def _members(name: str, file: BinaryIO) -> Iterator[File | Refusal]:
    try:
        archive = zipfile.ZipFile(cast(Any, _Archive(file)))
    except NotReadable as reason:
        yield Refusal(str(reason), Place(name))
        return
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        yield Refusal(gettext("The ZIP is damaged or cut off: %s") % error, Place(name))
        return
    with closing(archive):
        members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        yield from _repeated(name, archive)
        if office := next((sentence for member, sentence in _OFFICE if member in members), None):
            yield Refusal(str(office), Place(name))
            return

        by_name = _ByName(members)
        size = file.seek(0, 2)
        total = _Meter(lambda: size, 10 * _SMALL)

        def bounded(info: zipfile.ZipInfo, member: Any) -> BinaryIO:
            own = _Meter(lambda: info.compress_size, _SMALL)
            return cast(BinaryIO, BufferedReader(cast(Any, _Bounded(member, own, total))))

        def find(folder: str, beginning: str) -> bytes | None:
            found = members.get(by_name.first(beginning, folder))
            try:
                if found is None or found.file_size > MAX_BYTES:
                    return None
                with _opened(archive, found) as member:
                    return member.read(found.file_size + 1)  # one more, so that its checksum is compared
            except (*DAMAGED, RuntimeError):  # RuntimeError: it is locked, or packed in another way
                return None

        def open_beside(name: str, suffix: str) -> BinaryIO | None:
            if name + suffix not in members:
                return None
            info = members[name + suffix]
            return bounded(info, _opened(archive, info))

        for path in sorted(_to_read(members), key=_natural):
            info, place = members[path], f"{name}/{path}"
            try:
                with _opened(archive, info) as member:
                    unpacked = bounded(info, member)
                    if cast(BufferedReader, unpacked).peek(4)[:4] == _ZIP:
                        yield Refusal(gettext("This is a ZIP in a ZIP: unpack the outer one first."), Place(place))
                    else:
                        beside = partial(open_beside, info.filename)
                        yield from files_in(place, unpacked, partial(find, _folder_of(path)), beside, [total])
            except NotImplementedError:
                yield Refusal(
                    gettext("It is packed in a way that cannot be unpacked here: unpack it first."), Place(place)
                )
            except RuntimeError:  # what zipfile raises for a member that needs a password
                yield Refusal(gettext("It is locked by a password: unpack it first."), Place(place))
            except DAMAGED as error:
                yield Refusal(why_damaged(error), Place(place))
            except NotReadable as reason:
                yield Refusal(str(reason), Place(place))


def _repeated(name: str, archive: zipfile.ZipFile) -> Iterator[Refusal]:
    """Name the members that another of the same name hides."""
    counts = Counter(archive.namelist())
    if len(counts) < len(archive.namelist()):
        for path, count in counts.items():
            if count > 1:
                reason = gettext("The ZIP has several files of this name. The last one was read.")
                yield Refusal(reason, Place(f"{name}/{path}"))


class _ByName:
    """Finds paths by the beginning of the name of their file; with `/` before it, by its whole name in a folder."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._sorted = sorted((path.rpartition("/")[2], path) for path in self._paths)

    def first(self, beginning: str, folder: str = "") -> str:
        """Return the path of the first such file; empty if there is none."""
        if beginning.startswith("/"):
            whole = f"{folder}{beginning}".removeprefix("/")
            return whole if whole in self._paths else ""
        at = bisect_left(self._sorted, (beginning, ""))
        name, path = self._sorted[at] if at < len(self._sorted) else ("", "")
        return path if name.startswith(beginning) else ""


def _to_read(names: Collection[str]) -> list[str]:
    """Return the names of the files that may have conversations in them."""
    left = [name for name in names if not (_is_ignored(name) or _base_of_log(name) in names)]
    if _INSPECT.issubset(names):  # a log of Inspect, which has summaries of its samples, too
        return [name for name in left if name.startswith("samples/")]
    if "data.json" in names and any(name.startswith("Data/Files/") for name in names):  # a backup of Cherry Studio
        return ["data.json"]
    is_export = any(_EXPORT.fullmatch(name.rpartition("/")[2]) for name in left)
    chats = {_folder_of(name) for name in left if _CHAT.fullmatch(name.rpartition("/")[2])}
    chats |= {f"{_folder_of(name)}/{folder}".strip("/") for name in left for folder in _folders_sent(name)}
    chats |= {f"{name}_Files" for name in left if name.endswith(".json")}  # as DiscordChatExporter names them
    left = [name for name in left if not (_SENT.fullmatch(name) and not chats.isdisjoint(_folders_of(name)))]
    return [name for name in left if not (is_export and _UPLOAD.fullmatch(name))]


def _folders_sent(name: str) -> tuple[str, ...]:
    """Return the folders in which lies what was sent in a chat of a messenger."""
    base = name.rpartition("/")[2]
    if base == "result.json":
        return _TELEGRAM
    return _MESSENGER if _NUMBERED.fullmatch(base) else ("media",) if _ENCRYPTED.fullmatch(base) else ()


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _folders_of(name: str) -> Iterator[str]:
    """Yield the folder of a file, and those around it."""
    while name:
        name = _folder_of(name)
        yield name


def _base_of_log(name: str) -> str:
    """Return the name of the SQLite database that a file is read with; empty if it is none of SQLite's."""
    return next((name.removesuffix(suffix) for suffix in _OF_SQLITE if name.endswith(suffix)), "")


def _is_ignored(name: str) -> bool:
    return any(part.startswith(_IGNORED) or f"{part}/" in _IGNORED for part in name.split("/"))


def _natural(name: str) -> list[str | int]:
    """Sort `message_10` after `message_2`: texts and numbers take turns."""
    return [int(piece) if n % 2 else piece for n, piece in enumerate(_DIGITS.split(name))]
