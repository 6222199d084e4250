"""JSON documents: an array of objects, by itself or as a member of the one object that wraps it, read in pieces.

The wrapping member bears the table's own name or one of ``WRAPPERS``. An object without one is a single row.
"""

import codecs
import json
import re
from typing import Any, BinaryIO

from concert_assets.sources.columns import normalised
from concert_assets.sources.json_values import QUICK_DEPTH, QUICK_SCAN, names_are_unique, needs_exact
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject, table_of
from concert_assets.sources.records import JSON_SPACE, Records
from concert_assets.sources.streams import BLOCK_BYTES, TextStream

# Members in which the rows of a document may come, beside one of the table's own name.
WRAPPERS = ("data", "items", "records", "results", "rows")

_SPACE = re.compile(rf"[{JSON_SPACE}]*")
_BETWEEN = re.compile(rf"[{JSON_SPACE}]*,[{JSON_SPACE}]*(?=\{{)")
_NAME_THEN_SPACE = re.compile(rf'"[{JSON_SPACE}]+:')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|["\[\]{}]', re.DOTALL)
_LONGEST_LITERAL = len("-Infinity")
_TRIES = 100


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows of a JSON document, which may be larger than memory.

    An element that is no object, gives a name twice or is nested too deep is a row with an error; so is an object
    without any element. Raises UnreadableObject, also after batches were yielded, for what is no JSON, since where
    rows end is not sure there, and when a required column was in no row.
    """
    records = Records(obj, limits, notes)
    text = _Text(TextStream(stream, limits, notes), limits)
    opening = text.next()
    if opening == "[":
        yield from _elements(text, records, limits)
    elif opening == "{":
        yield from _members(text, records, limits, notes, {*WRAPPERS, table_of(obj).name})
    elif opening:
        raise UnreadableObject(f"it is no JSON document of rows: it begins with {opening!r}, not with [ or {{")
    else:
        raise UnreadableObject("the document is blank")
    if text.next():
        raise UnreadableObject(f"something follows the end of the document{text.place()}; one object a line is jsonl")
    records.finish()


def _members(text: "_Text", records: Records, limits: Limits, notes: Notes, wrappers: set[str]) -> Batches:
    """The rows that a member wraps, or the one row that the object is."""
    text.held = text.at
    wrapper = ""
    others = []
    text.expect("{")
    is_first = True
    while not (is_first and text.next() == "}"):
        is_first = False
        if text.next() != '"':
            raise UnreadableObject(f"it is no JSON document: a name is expected{text.place()}")
        name = json.loads(text.value())
        text.expect(":")
        if text.next() == "[" and normalised(name) in wrappers:
            if wrapper:
                raise UnreadableObject(f"rows come in two members of the document, {wrapper!r} and {name!r}")
            wrapper, text.held = name, None
            yield from _elements(text, records, limits)
        else:
            text.value()
            others.append(name)
        if text.next() != ",":
            break
        text.expect(",")
    text.expect("}")
    if not wrapper:
        yield from records.of_json([text.since_held()])
    elif others:
        shown = ", ".join(name[:40] for name in others[:10])
        notes.remarks.append(f"of the document, {wrapper!r} was read; not so {len(others)} other members: {shown}")


def _elements(text: "_Text", records: Records, limits: Limits) -> Batches:
    """The rows of the array that begins at the text's place."""
    text.expect("[")
    if text.next() == "]":
        text.expect("]")
        return
    while True:
        text.fill()
        cut, after = text.quick_cut()
        rows = None if cut is None or limits.max_nesting <= QUICK_DEPTH else _quick_rows(text.text[text.at : cut])
        batches = None if rows is None else records.quick(rows)
        if batches is not None:
            yield from batches
            text.at = after
            continue
        stop = text.dropped + (len(text.text) if cut is None else cut)
        is_over = False
        texts: list[str] = []
        # One at least: there may be nothing at hand, and more to come or the end.
        while not texts or (not is_over and len(texts) < limits.batch_rows and text.dropped + text.at < stop):
            text.next()
            texts.append(text.value())
            is_over = text.next() != ","
            text.expect("]" if is_over else ",")
        yield from records.of_json(texts)
        if is_over:
            return


def _quick_rows(chunk: str) -> list[dict[str, Any]] | None:
    """The objects of a part of an array, numbers as text, read in one go; None where the exact way is needed.

    That the part is one array of objects proves that it was cut between two rows: within a row, a bracket or a string
    would be left open. That no name is given twice is proved by ``names_are_unique``.
    """
    if needs_exact(chunk) or _NAME_THEN_SPACE.search(chunk):
        return None
    whole = f"[{chunk}]"
    try:
        rows, end = QUICK_SCAN(whole, 0)
    except (StopIteration, ValueError, RecursionError):
        return None
    if end != len(whole) or set(map(type, rows)) != {dict} or not names_are_unique(chunk, rows):
        return None
    return list(rows)


class _Text:
    """The document's text, a window at a time: ``text`` from ``at`` on is still to be read."""

    def __init__(self, stream: TextStream, limits: Limits) -> None:
        self.text = ""
        self.at = 0
        self.dropped = 0  # characters that lay before the window
        self.held: int | None = None  # from here on nothing may be dropped
        self._stream = stream
        self._cap = limits.max_line_bytes
        self._block = min(BLOCK_BYTES, limits.max_line_bytes)
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def more(self) -> bool:
        """Read on, forgetting what lies behind; False at the end."""
        data = self._stream.read(self._block)
        if not data:
            return False
        keep = self.at if self.held is None else self.held
        self.text = self.text[keep:] + self._decoder.decode(data)
        self.dropped += keep
        self.at -= keep
        self.held = None if self.held is None else 0
        if self.held is not None and len(self.text) > self._cap + self._block:
            raise UnreadableObject(f"no member of the document's first {self._cap:,} bytes is an array of rows")
        return True

    def fill(self) -> None:
        """Have a block at hand, as far as there is one."""
        while len(self.text) - self.at < self._block // 2 and self.more():
            pass

    def next(self) -> str:
        """The next character that is no space, without taking it; none at the end."""
        while True:
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def expect(self, character: str) -> None:
        """Take this character; UnreadableObject where another one comes."""
        found = self.next()
        if found != character:
            came = repr(found) if found else "the end, so it may be truncated"
            raise UnreadableObject(f"it is no JSON document: {character} is expected{self.place()}, came {came}")
        self.at += 1

    def place(self) -> str:
        """Where the text stands, in words."""
        return f" at character {self.dropped + self.at + 1:,}"

    def value(self) -> str:
        """Take the value that begins here and return its text."""
        while True:
            end, problem, is_final = self._end()
            # A number at the end of the window may go on.
            if end is not None and (end < len(self.text) or self.text[self.at] in '"[{'):
                break
            if len(self.text) - self.at > self._cap:
                raise UnreadableObject(f"a row or value is longer than {self._cap:,} bytes{self.place()}")
            if is_final or not self.more():
                if end is not None:
                    break
                hint = "" if is_final else ", where it breaks off: it may be truncated"
                raise UnreadableObject(f"it is no JSON document: {problem}{hint}")
        found = self.text[self.at : end]
        if len(found) > self._cap or (len(found) * 4 > self._cap and len(found.encode()) > self._cap):
            raise UnreadableObject(f"a row or value is longer than {self._cap:,} bytes{self.place()}")
        self.at = end
        return found

    def _end(self) -> tuple[int | None, str, bool]:
        """Where the value ends; where it does not, what is wrong, and whether more text cannot mend it."""
        try:
            return QUICK_SCAN(self.text, self.at)[1], "", False
        except RecursionError:
            return self._end_by_brackets(), "brackets are left open", False
        except StopIteration as error:
            problem, wrong = "a value is expected", int(error.value)
        except json.JSONDecodeError as error:
            problem, wrong = error.msg, error.pos
        is_final = wrong + _LONGEST_LITERAL < len(self.text) and not problem.startswith("Unterminated")
        return None, f"{problem} at character {self.dropped + wrong + 1:,}", is_final

    def _end_by_brackets(self) -> int | None:
        depth = 0
        for token in _TOKEN.finditer(self.text, self.at):
            mark = token[0]
            if mark == '"':
                return None  # a string that does not end yet
            depth += (mark in "[{") - (mark in "]}")
            if depth == 0:
                return token.end()
        return None

    def quick_cut(self) -> tuple[int | None, int]:
        """The last place at hand where a row seems to end, and where the next one begins; None where there is none."""
        end = len(self.text)
        if end - self.at > self._cap:
            return None, 0
        for _ in range(_TRIES):
            end = self.text.rfind("}", self.at, end)
            if end < 0:
                return None, 0
            between = _BETWEEN.match(self.text, end + 1)
            if between is not None:
                return end + 1, between.end()
        return None, 0

    def since_held(self) -> str:
        """The text from ``held`` up to here."""
        return self.text[self.held : self.at]
