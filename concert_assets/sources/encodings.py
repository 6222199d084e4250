"""Which encoding text is in, told from its bytes by fixed rules, and its change into UTF-8, block by block.

UTF-8 is what is expected. UTF-16 is known by its byte order mark or, since the first two characters of any table or
document are ASCII, by the NUL bytes among the first four (as RFC 4627 did for JSON). What is neither is Windows-1252,
of which Latin-1 is the part without the codes 80 to 9F, if it is text in it at all: see ``check_windows_1252``.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

from concert_assets.sources.model import UnreadableObject

UTF8_BOM = codecs.BOM_UTF8
HEAD_BYTES = 4
# Names by which an XML declaration may call what can be read, in the form that Python gives them. What calls itself
# Latin-1 is read as Windows-1252, as browsers do: the codes that it has beyond are of no use in Latin-1.
DECLARED = {
    "utf-8": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "iso8859-1": "cp1252",
    "cp1252": "cp1252",
}
SPOKEN = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252"}
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF32_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_HIGH = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[\x80-\xff]")
_UNFINISHED = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")


class NotInEncoding(UnreadableObject):
    """The bytes are no text in the encoding they were taken for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A codec of Python's and how it was found out, in words; no words where it is what is expected."""

    codec: str
    how: str = ""


def encoding_of(head: bytes) -> Found:
    """The encoding by the first ``HEAD_BYTES`` bytes: UTF-16 where they show it, else UTF-8."""
    if head.startswith(_UTF32_BOMS):
        raise UnreadableObject("the object is UTF-32; UTF-8 or UTF-16 is expected")
    for mark, codec in _BOMS.items():
        if head.startswith(mark):
            return Found(codec, "" if codec == "utf-8" else "by its byte order mark")
    nul = tuple(byte == 0 for byte in head[:HEAD_BYTES])
    if nul == (False, True, False, True):
        return Found("utf-16-le", "by its NUL bytes, for it has no byte order mark")
    if nul == (True, False, True, False):
        return Found("utf-16-be", "by its NUL bytes, for it has no byte order mark")
    return Found("utf-8")


def declared_encoding(name: str) -> Found:
    """The encoding that a document says it is in; UnreadableObject where it is none that can be read."""
    try:
        codec = DECLARED.get(codecs.lookup(name).name)
    except LookupError:
        codec = None
    if codec is None:
        raise UnreadableObject(
            f"it declares its encoding as {name[:40]!r}; expected UTF-8, UTF-16, ISO-8859-1 or Windows-1252"
        )
    return Found(codec, "" if codec == "utf-8" else f"for it declares its encoding as {name}")


def check_windows_1252(blocks: Iterable[bytes]) -> None:
    """Raise UnreadableObject where the bytes, which are no UTF-8, are not plainly Windows-1252 either.

    Five codes stand for nothing in it. And what is UTF-8 but for some damage must not be read letter by letter as
    something else: it is taken for that where at least as many of its non-ASCII characters are sound UTF-8 as not.
    """
    sound = odd = 0
    tail = b""
    for block in blocks:
        if found := _UNDEFINED.search(block):
            raise NotInEncoding(
                f"the object is neither UTF-8 nor Windows-1252, which has no character {found[0].hex()}"
            )
        data = tail + block
        cut = _UNFINISHED.search(data, max(0, len(data) - 3))
        data, tail = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        for match in _HIGH.finditer(data):
            if len(match[0]) == 1:
                odd += 1
            else:
                sound += 1
    odd += len(tail)
    if sound >= odd:
        raise NotInEncoding(
            f"the object is UTF-8 with damage: {sound:,} of its characters are sound UTF-8, {odd:,} bytes are none"
        )


class IntoUtf8:
    """Blocks of bytes in one encoding made blocks of UTF-8, without a byte order mark, known to hold no NUL."""

    def __init__(self, codec: str) -> None:
        """Begin at the start of the text."""
        self._codec = codec
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._is_plain = True  # no character is begun and not ended
        self._read = 0

    def change(self, data: bytes) -> bytes:
        """The next block as UTF-8; no bytes mean the end. Raises NotInEncoding, and UnreadableObject for a NUL."""
        is_first, start = self._read == 0, self._read
        self._read += len(data)
        changed = data
        if not (self._codec == "utf-8" and self._is_plain and data.isascii()):
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise NotInEncoding(
                    f"the object is not {SPOKEN[self._codec]} text: {error.reason} near byte {start + error.start:,}"
                ) from error
            self._is_plain = not self._decoder.getstate()[0]
            if self._codec != "utf-8":
                changed = text.encode("utf-8")
        if b"\0" in changed:
            place = start + changed.index(b"\0") if self._codec == "utf-8" else start
            raise UnreadableObject(f"the object holds a NUL byte, at byte {place:,}; text holds none")
        return changed.removeprefix(UTF8_BOM) if is_first else changed
