"""Strict quoting for delimited text: marks the rows whose quotes do not stand as RFC 4180 has them, for Arrow does not.

Arrow appends to a quoted field whatever follows its closing quote, so a stray quote would alter a value or, with a
second one further down, swallow the rows between the two. A field is quoted where a quote is its first character;
another quote in a field without quotes is a character like any other.
"""

import re

import numpy as np

from concert_assets.sources.dialects import Dialect

_BRACKET = "\x1e"
# Bytes compared at once: what numpy makes of them fits a processor's cache.
_CHUNK = 256 << 10


class Marks:
    """How marks stand in the text: at the end of a row, with more fields than any row may have."""

    def __init__(self, dialect: Dialect, width: int) -> None:
        """For rows of ``width`` fields."""
        self._quote = dialect.quote
        self._close = _BRACKET + dialect.delimiter * width
        # A row of our own after the last: an object without rows is then not without text, which Arrow would refuse.
        self.last_row = f"{_BRACKET}end of object{self._close}"

    def mark(self, reason: str, place: int, *, is_quoted: bool = False) -> bytes:
        """The mark of a row that byte ``place``, a quote or an escape, makes wrong.

        ``is_quoted`` where the mark stands in a quoted field, which it then closes.
        """
        return f"{_BRACKET}{self._quote * is_quoted}{reason}{_BRACKET}{place}{self._close}".encode()

    def taken(self, row: str) -> tuple[str, str, int] | None:
        """A marked row's own text, the reason of its mark and the byte, None where it has no mark."""
        if not row.endswith(self._close):
            return None
        text, *mark = row.removesuffix(self._close).rsplit(_BRACKET, 2)
        if len(mark) != 2 or not mark[1].isdecimal():
            return None
        return text, mark[0].removeprefix(self._quote), int(mark[1])


class StrictQuotes:
    """Passes text on from block to block, with a mark in each row that has a quote where none may stand."""

    def __init__(self, dialect: Dialect, marks: Marks, start: int) -> None:
        """Begin at the start of a row, which is byte ``start`` of the text."""
        quote, escape = dialect.quote.encode(), dialect.escape.encode()
        q, e, d = (re.escape(part) for part in (quote, escape, dialect.delimiter.encode()))
        # No group is repeated possessively: Python before 3.11.5 loses its place where such a group does not match
        # (python/cpython#106052). Given back, an iteration never makes the rest match, so the outcome is the same.
        inside = rb"[^%b%b]*+(?:(?:%b%b%b)[^%b%b]*+)*" % (q, e, q, q, rb"|%b." % e if e else b"", q, e)
        closed = rb"(?<=[%b\r\n])%b%b%b(?=[%b\r\n])" % (d, q, inside, q, d)
        plain = rb"(?<=[^%b\r\n])%b" % (d, q)
        if e:
            # A quote after what is escaped begins no field, be that a delimiter; the block must show whether one comes.
            plain += rb"|%b.(?=.)%b*+" % (e, q)
        self._inside = re.compile(inside, re.DOTALL)
        self._strict = re.compile(rb"[^%b%b]*+(?:(?:%b|%b)[^%b%b]*+)*" % (q, e, closed, plain, q, e), re.DOTALL)
        self._line_rest = re.compile(rb"(?:[^%b%b\r\n]++|%b)*" % (q, e, plain), re.DOTALL)
        self._quote, self._escape, self._marks = quote, escape, marks
        self._ends = dialect.delimiter.encode() + b"\r\n"
        self._before = b"\n"  # the byte before those to come, or before those held
        self._held = b""  # an escape or a quote at the end of a block, whose meaning the next byte tells
        self._is_inside = False  # of a quoted field
        self._opened = start  # where in the text the last quoted field began
        self._reason = ""  # what is wrong with the row, to be marked at its end
        self._wrong = start  # the quote that began it
        self._passed = start  # bytes of the text so far
        self._may_stand = np.zeros(256, dtype=bool)  # before an opening quote, doubled ones too, or after a closing one
        self._may_stand[list(self._ends + quote)] = True

    def open_quote(self, length: int) -> int | None:
        """Where a quoted field began that is not closed after more than ``length`` bytes; None where there is none."""
        return self._opened if self._is_inside and self._passed - self._opened > length else None

    def passed(self, data: bytes) -> bytes:
        """The block with its marks."""
        is_plain = not (self._is_inside or self._reason or self._held)
        if is_plain and self._quote not in data and not (self._escape and self._escape in data):
            self._before = data[-1:] or self._before
            marked = data
        elif self._is_strict(data):
            marked = data
        else:
            marked = self._marked(data)
        self._passed += len(data)
        return marked

    def end(self) -> bytes:
        """What ends the object: a mark where its last row is not at its end, and then the row of our own."""
        if self._is_inside and self._held != self._quote:
            found = self._marks.mark("a quoted field is never closed", self._opened, is_quoted=True)
        elif self._reason:
            found = self._marks.mark(self._reason, self._wrong)
        elif self._escape and self._held == self._escape:
            found = self._marks.mark("the object ends with a backslash that escapes nothing", self._passed - 1)
        else:
            found = b""
        return found + f"\n{self._marks.last_row}\n".encode()

    def _is_strict(self, data: bytes) -> bool:
        """Whether all quotes of the block open, close and are doubled by turns, which is quickly told; if so, pass it.

        A quote in a field without quotes makes it False, too.
        """
        if not data or self._escape or self._reason or (self._before == self._quote and not self._is_inside):
            return False
        quote, may_stand, view = self._quote[0], self._may_stand, memoryview(data)
        before = self._before + self._held
        is_inside, opened = int(self._is_inside), self._opened
        for start in range(0, len(data), _CHUNK):
            end = start + _CHUNK
            # A quote that ends the block is taken for one that closes its field, and held back.
            text = np.frombuffer(b"".join((before, view[start:end], view[end : end + 1] or b"\n")), np.uint8)
            places = np.flatnonzero(text[1:-1] == quote)  # each less 1
            opening, closing = places[is_inside::2], places[1 - is_inside :: 2]
            if not (may_stand[text[opening]].all() and may_stand[text[2:][closing]].all()):
                return False
            for some in (opening[-9:], opening):
                begins = some[text[some] != quote]  # without those that double another
                if len(begins):
                    opened = self._passed + start + int(begins[-1]) + 1 - len(before)
                    break
            is_inside = (is_inside + len(places)) % 2
            before = data[end - 1 : end]
        is_held = not is_inside and data.endswith(self._quote)
        self._is_inside, self._opened = bool(is_inside) or is_held, opened
        self._held = self._quote * is_held
        self._before = (data[-2:-1] or self._before) if is_held else data[-1:]
        return True

    def _marked(self, data: bytes) -> bytes:
        """The block, in which any quote may stand anywhere, with its marks."""
        text = self._before + self._held + data
        seen = len(text) - len(data)
        parts = []
        end = len(text)
        place, done = 1, seen  # the first byte is but the one before
        while place < end:
            if self._is_inside:
                place = _end_of(self._inside, text, place)
                if place + 1 >= end:
                    break
                self._is_inside = False
                place += 1
                if text[place] not in self._ends and not self._reason:
                    self._reason = "text follows a closing quote"
                    self._wrong = self._opened
                continue
            place = _end_of(self._line_rest if self._reason else self._strict, text, place)
            if place == end or text[place : place + 1] == self._escape:
                break
            if text[place : place + 1] == self._quote:
                self._opened = self._passed + place - seen
                self._is_inside = True
                place += 1
            else:
                parts += [text[done:place], self._marks.mark(self._reason, self._wrong)]
                done = place
                self._reason = ""
        self._held = text[place:]
        self._before = text[place - 1 : place]
        return b"".join([*parts, text[done:]]) if parts else data


def _end_of(pattern: re.Pattern[bytes], text: bytes, place: int) -> int:
    """The end of the match at ``place`` of a pattern that also matches no text."""
    found = pattern.match(text, place)
    return found.end() if found else place


def line_ends(data: bytes, before: bytes = b"") -> int:
    """Line ends of any kind in the data; its first line feed belongs to a carriage return right before it."""
    count = data.count(b"\n")
    if b"\r" in data:
        count += data.count(b"\r") - data.count(b"\r\n")
    return count - (before == b"\r" and data.startswith(b"\n"))
