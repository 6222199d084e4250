"""XML documents: a list of records, whose attributes and child elements are the columns, read event by event.

The records are the children of the root, whatever they are called, or of a child of the root that bears the table's
own name or one that wraps the rows of JSON documents too. Names count without their namespace prefix.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO
from xml.parsers import expat

from concert_assets.sources.columns import Columns, normalised
from concert_assets.sources.json_document import WRAPPERS
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject, table_of
from concert_assets.sources.records import Records, RowRefused
from concert_assets.sources.streams import TextStream, beginning, one_line

# So much is parsed at once, since all records in it are in memory together.
_PIECE_BYTES = 256 << 10
_DECLARATION_BYTES = 1_024
_DECLARED = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")
_OF_XML = ("xml", "xmlns", "xsi")


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows of an XML document, which may be larger than memory.

    An element's text is a value, null where it is empty; an attribute of it is the column ``element.attribute``. A
    nested element is an object, such as a location or a price map; in a column that is a list its children are the
    items, and so are elements that stand repeated. Raises UnreadableObject, also after batches were yielded, for what
    is not well-formed, for a document type declaration (the only way to entities that grow or lead outside), and when
    a required column was in no row.
    """
    records = Records(obj, limits, notes)
    declared = _DECLARED.match(beginning(stream, _DECLARATION_BYTES).removeprefix(b"\xef\xbb\xbf"))
    text = TextStream(
        stream, limits, notes, declared=declared[1].decode() if declared else "", may_be_windows_1252=True
    )
    events = _Events(limits, {*WRAPPERS, table_of(obj).name})
    fields = _Fields(records.columns)
    while True:
        piece = text.read(min(_PIECE_BYTES, limits.max_line_bytes))
        events.feed(piece)
        if not piece or len(events.records) >= limits.batch_rows or events.size > _PIECE_BYTES:
            for start in range(0, len(events.records), limits.batch_rows):
                part = events.records[start : start + limits.batch_rows]
                yield from records.exact([source for source, _ in part], partial(fields.at, part))
            events.forget()
        if not piece:
            break
    records.finish()


@dataclass(slots=True)
class _Element:
    """An element with attributes or elements within it; one with neither is its text alone."""

    name: str
    attributes: dict[str, str]
    texts: list[str]
    children: list[tuple[str, "_Element | str | None"]] = field(default_factory=list)


class _Events:
    """Gathers records, each with its own text, from the events of the parser."""

    def __init__(self, limits: Limits, wrappers: Iterable[str]) -> None:
        self.records: list[tuple[str, _Element]] = []
        self.size = 0  # bytes of these records
        self._limits = limits
        self._wrappers = set(wrappers)
        self._depth = 0
        self._open: list[_Element] = []  # the record and those within it that are not ended, but for the innermost
        self._name: str | None = None  # the innermost, as long as nothing but text was in it
        self._attributes: dict[str, str] = {}
        self._texts: list[str] = []
        self._start = 0  # the byte where the record begins
        self._fed = 0
        self._window = b""  # the text from the record's beginning on, as far as it was fed
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def feed(self, piece: bytes) -> None:
        """Parse on; no bytes mean the end."""
        start = self._start if self._open else max(self._parser.CurrentByteIndex, 0)
        self._window = self._window[len(self._window) - (self._fed - start) :] + piece
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            raise UnreadableObject(f"it is no well-formed XML: {one_line(error)}") from error
        start = self._start if self._open else max(self._parser.CurrentByteIndex, 0)
        self._check_size(self._fed - start)

    def forget(self) -> None:
        """Let go of the records."""
        self.records, self.size = [], 0

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_line_bytes:
            raise UnreadableObject(
                f"a record or a piece of markup is longer than {self._limits.max_line_bytes:,} bytes"
            )

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.max_nesting:
            raise UnreadableObject(f"the document is nested deeper than {self._limits.max_nesting} levels")
        local = name.rpartition(":")[2] if ":" in name else name
        if self._open:
            if self._name is not None:
                self._open.append(_Element(self._name, self._attributes, self._texts))
            self._name, self._attributes, self._texts = local, attributes, []
        elif self._depth > 2 or (self._depth == 2 and normalised(local) not in self._wrappers):
            self._texts = []
            self._open.append(_Element(local, attributes, self._texts))
            self._start = self._parser.CurrentByteIndex

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        if self._name is not None:
            value: _Element | str | None = "".join(self._texts) or None
            if self._attributes:
                value = _Element(self._name, self._attributes, self._texts)
            self._open[-1].children.append((self._name, value))
            self._name, self._texts = None, self._open[-1].texts
            return
        element = self._open.pop()
        if self._open:
            self._open[-1].children.append((element.name, element))
            self._texts = self._open[-1].texts
            return
        offset = self._fed - len(self._window)
        end = self._parser.CurrentByteIndex  # before the end tag, but after a tag that ends itself
        if element.children or not self._window.endswith(b"/>", 0, end - offset):
            end = self._window.index(b">", end - offset) + 1 + offset
        self._check_size(end - self._start)
        self.size += end - self._start
        self.records.append((self._window[self._start - offset : end - offset].decode("utf-8"), element))

    def _characters(self, text: str) -> None:
        if self._open:
            self._texts.append(text)
        elif text.strip():
            raise UnreadableObject(f"text stands outside of any record: {text.strip()[:100]!r}")

    def _refuse_doctype(self, *_: Any) -> None:
        raise UnreadableObject("it has a document type declaration, which is refused since it may define entities")


class _Fields:
    """Makes records fields by name, as ``Records`` takes them."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def at(self, records: Sequence[tuple[str, _Element]], position: int) -> dict[str, Any]:
        """The fields of the record at a position; RowRefused where it cannot be taken apart."""
        _, record = records[position]
        fields = self._parts(record, "")
        if not fields:
            raise RowRefused(f"malformed_xml: {record.name[:100]!r} has neither attributes nor elements")
        return fields

    def _parts(self, element: _Element, prefix: str) -> dict[str, Any]:
        """What lies in an element, by name; ``prefix`` goes before the name where that is looked up as a column."""
        _check_unmixed(element)
        parts = _attributes(element)
        several: dict[str, list[Any]] = {}
        for name, child in element.children:
            value = self._value(prefix + name, child) if isinstance(child, _Element) else child
            if name in parts:
                if self._columns.is_single(prefix + name):
                    raise RowRefused(f"column_given_twice: {(prefix + name)[:100]!r} is given twice in one record")
                several.setdefault(name, [parts[name]]).append(value)
                continue
            parts[name] = value
            if isinstance(child, _Element) and not isinstance(value, dict):
                parts |= {f"{name}.{key}": value for key, value in _attributes(child).items()}
        return parts | several

    def _value(self, name: str, element: _Element) -> Any:
        if element.children and self._columns.is_list(name):
            _check_unmixed(element)
            return [
                self._value(f"{name}.{inner}", child) if isinstance(child, _Element) else child
                for inner, child in element.children
            ]
        if element.children or self._columns.is_parent(name):
            return self._parts(element, f"{name}.")
        return "".join(element.texts) or None


def _check_unmixed(element: _Element) -> None:
    if element.children and "".join(element.texts).strip():
        raise RowRefused(f"malformed_xml: text and elements are mixed in {element.name[:100]!r}")


def _attributes(element: _Element) -> dict[str, Any]:
    """The attributes by name, without those that are of XML's own."""
    return {
        name.rpartition(":")[2]: value or None
        for name, value in element.attributes.items()
        if name.split(":")[0] not in _OF_XML
    }
