"""Which dialect a delimited file is written in, told from its beginning by the column names that the catalog knows.

The delimiter is the one under which most names of the header are known: that is surer than what ``csv.Sniffer`` looks
at, how often characters occur, since values are full of commas and spaces, while a header under the wrong delimiter
names nothing. Quotes are doubled ``"`` unless the header or the first rows show another way that fits them better.
"""

import csv
import io
import re
from dataclasses import dataclass

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

    def _field(self) -> bytes:
        quote, delimiter = self.quote.encode(), re.escape(self.delimiter).encode()
        if not self.escape:
            quoted = rb"%b[^%b]*+(?:%b[^%b]*+)*+%b" % (quote, quote, quote * 2, quote, quote)
            return rb"(?:%b|(?!%b)[^%b\r\n]*+)" % (quoted, quote, delimiter)
        quoted = rb"%b(?:[^%b\\]|\\.|%b)*+%b" % (quote, quote, quote * 2, quote)
        return rb"(?:%b|(?!%b)(?:[^%b\r\n\\]|\\.)*+)" % (quoted, quote, delimiter)

    def record(self, width: int = 0) -> re.Pattern[bytes]:
        """A pattern of one record with its line end, of ``width`` fields where that is not 0.

        Strict: nothing may follow a closing quote but a delimiter or the end.
        """
        field, delimiter = self._field(), re.escape(self.delimiter).encode()
        times = b"{%d}+" % (width - 1) if width else b"*+"
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

    def needing(self) -> re.Pattern[bytes]:
        """A pattern of what shows the dialect: a quoted field that needs its quotes, or an escaped quote within one."""
        quote, delimiter = self.quote.encode(), re.escape(self.delimiter).encode()
        if self.escape:
            inside = rb"(?:[^%b\\]|\\[^%b])*+\\%b(?:[^%b\\]|\\.)*+" % (quote, quote, quote, quote)
        else:
            inside = rb"[^%b%b\r\n]*+(?:[%b\r\n]|%b)[^%b]*+(?:%b[^%b]*+)*+" % (
                quote, delimiter, delimiter, quote * 2, quote, quote * 2, quote,
            )  # fmt: skip
        return re.compile(
            rb"(?<![^%b\r\n])%b%b%b(?=[%b\r\n]|\Z)" % (delimiter, quote, inside, quote, delimiter), re.DOTALL
        )


def sniff(head: bytes, columns: Columns) -> Dialect:
    """The dialect of a file by its first ``SNIFFED_BYTES``, from the header on."""
    known = {
        (delimiter, quote): _known_names(head, Dialect(delimiter, quote), columns)
        for delimiter in DELIMITERS
        for quote in "\"'"
    }
    best = max(known, key=known.__getitem__)  # the first of equals
    delimiter, quote = best
    usual = Dialect(delimiter, quote)
    rivals = [Dialect(delimiter, quote, "\\")]
    if known[best] == known[delimiter, "'"] and quote == '"':
        rivals += [Dialect(delimiter, "'"), Dialect(delimiter, "'", "\\")]
    rivals = [rival for rival in rivals if rival.needing().search(head)]
    if not rivals:
        return usual
    shown = bool(usual.needing().search(head))
    width = len(_names(head, usual))
    # A rival must be shown and fit more rows, or as many where nothing shows the usual one.
    ranked = [(_fit(head, usual, width), shown, usual), *((_fit(head, rival, width), True, rival) for rival in rivals)]
    return max(ranked, key=lambda entry: entry[:2])[2]


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
