"""Which dialect a delimited file is written in, told from its beginning by the column names that the catalog knows.

The delimiter is the one under which most names of the header are known: that is surer than what ``csv.Sniffer`` looks
at, how often characters occur, since values are full of commas and spaces, while a header under the wrong delimiter
names nothing. Quotes are doubled ``"`` unless the header or the first rows show another way that fits them better.
"""

import csv
import io
import re
from dataclasses import dataclass, replace

from concert_assets.sources.columns import Columns

SNIFFED_BYTES = 64 << 10
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_LINE_END = rb"(?:\r\n|\n|\r|\Z)"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are kept apart: delimiter, quote, and the escape where quotes are not only doubled."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""

    @property
    def remark(self) -> str:
        """The dialect in words; none for the usual one."""
        parts = [f"{DELIMITERS[self.delimiter]} as delimiter"] * (self.delimiter != ",")
        parts += ["' as quote"] * (self.quote == "'")
        parts += ["backslash as escape"] * bool(self.escape)
        return f"read with {', '.join(parts)}, as its beginning suggests" if parts else ""

    def _parts(self) -> tuple[bytes, bytes, bytes]:
        """Patterns of the delimiter, of what lies within quotes, and of a field."""
        quote, delimiter = self.quote.encode(), re.escape(self.delimiter).encode()
        if self.escape:
            inside = rb"(?:[^%b\\]|\\.|%b)*+" % (quote, quote * 2)
            bare = rb"(?:[^%b\r\n\\]|\\.)*+" % delimiter
        else:
            inside = rb"[^%b]*+(?:%b[^%b]*+)*+" % (quote, quote * 2, quote)
            bare = rb"[^%b\r\n]*+" % delimiter
        return delimiter, inside, rb"(?:%b%b%b|(?!%b)%b)" % (quote, inside, quote, quote, bare)

    def record(self, width: int = 0) -> re.Pattern[bytes]:
        """A pattern of one record with its line end, of ``width`` fields where that is not 0.

        Strict: nothing may follow a closing quote but a delimiter or the end.
        """
        delimiter, _, field = self._parts()
        # Not possessive, which Python before 3.11.5 gets wrong for groups such as this (python/cpython#106052).
        times = b"{%d}" % (width - 1) if width else b"*"
        return re.compile(rb"%b(?:%b%b)%b%b" % (field, delimiter, field, times, _LINE_END), re.DOTALL)

    def fields(self, record: str) -> list[str]:
        """The fields of one record; csv.Error where it is not of this dialect."""
        reader = csv.reader(
            io.StringIO(record, newline=""),
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape or None,
            strict=True,
        )
        return next(reader, [])

    def quoted(self, head: bytes) -> list[bytes]:
        """What lies within quotes, of each quoted field."""
        delimiter, inside, _ = self._parts()
        quote = self.quote.encode()
        pattern = rb"(?<![^%b\r\n])%b(%b)%b(?=[%b\r\n]|\Z)" % (delimiter, quote, inside, quote, delimiter)
        return re.findall(pattern, head, re.DOTALL)


def sniff(head: bytes, columns: Columns) -> Dialect:
    """The dialect of a file by its first ``SNIFFED_BYTES``, from the header on."""
    known = {
        (delimiter, quote): _known_names(head, Dialect(delimiter, quote), columns)
        for delimiter in DELIMITERS
        for quote in "\"'"
    }
    delimiter, quote = best = max(known, key=known.__getitem__)  # the first of equals
    found = _with_escape(head, Dialect(delimiter, quote))
    if quote == '"' and known[best] == known[delimiter, "'"] and b"'" in head:
        rival = _with_escape(head, Dialect(delimiter, "'"))
        width = len(_names(head, found))
        # Names and titles stand in ' too: they are quotes where one is needed, and rows fit better or no " is needed.
        if _is_needed(head, rival):
            fits = _fit(head, rival, width) - _fit(head, found, width)
            if fits > 0 or (fits == 0 and not _is_needed(head, found)):
                return rival
    return found


def _is_needed(head: bytes, dialect: Dialect) -> bool:
    """Whether a quoted field holds what must be quoted."""
    needing = re.compile(rb"[%b\r\n]" % re.escape(dialect.delimiter + dialect.quote).encode())
    return any(map(needing.search, dialect.quoted(head)))


def _with_escape(head: bytes, dialect: Dialect) -> Dialect:
    """The dialect with the backslash as escape, where a backslash seems to escape a quote or a delimiter."""
    special = re.escape(dialect.delimiter + dialect.quote).encode()
    if b"\\" not in head or not re.search(rb"\\[%b]" % special, head):
        return dialect
    escaped = replace(dialect, escape="\\")
    width = len(_names(head, dialect))
    fits = _fit(head, escaped, width) - _fit(head, dialect, width)
    has_doubled = any(dialect.quote.encode() * 2 in inside for inside in dialect.quoted(head))
    return escaped if fits > 0 or (fits == 0 and not has_doubled) else dialect


def _names(head: bytes, dialect: Dialect) -> list[str]:
    header = dialect.record().match(head)
    if header is None:
        return []
    try:
        return dialect.fields(header[0].decode("utf-8", "replace"))
    except csv.Error:
        return []


def _known_names(head: bytes, dialect: Dialect, columns: Columns) -> int:
    header = dialect.record().match(head)
    if dialect.quote == "'" and (header is None or b"'" not in header[0]):
        dialect = Dialect(dialect.delimiter)  # the header says nothing of the quote
    return len(columns.match(_names(head, dialect)).chosen)


def _fit(head: bytes, dialect: Dialect, width: int) -> int:
    """Records of the right width less lines that begin none."""
    record = dialect.record(width)
    place = score = 0
    while place < len(head):
        found = record.match(head, place)
        if found is not None:
            score, place = score + 1, found.end()
            continue
        line_end = head.find(b"\n", place)
        if head[place:line_end].strip():
            score -= 1
        place = line_end + 1 if line_end >= 0 else len(head)
    return score
