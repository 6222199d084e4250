"""Taking a person out of what was delivered: how the id is recognised, and what an erasure leaves to be deleted."""

import hashlib
import hmac
import html
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.model import Table
from concert_assets.deliveries.log import DeliveredObject, Entry, erased

GONE = "[erased]"
_SPACE = " \t\n\r"
_ERROR, _TEXT = "_row_error", "_row_text"


@dataclass(frozen=True)
class Person:
    """One whose id is to be erased; ``of`` makes it of an id as it is typed."""

    id: str

    @staticmethod
    def of(text: str) -> "Person":
        """The person of an id: as curation reads it, without the space around it and composed (NFC)."""
        return Person(unicodedata.normalize("NFC", text.strip(_SPACE)))

    @property
    def is_distinctive(self) -> bool:
        """Whether the id can be told from all else in a text: a number or a word of the language cannot."""
        has_letters = any(letter.isalpha() for letter in self.id)
        return len(self.id) >= 6 and has_letters and not self.id.isalpha()

    def mark(self, key: bytes) -> str:
        """A keyed hash by which the log tells whom it means to those who know id and key, and to nobody else."""
        return "hmac-sha256:" + hmac.new(key, b"customer\0" + self.id.encode(), hashlib.sha256).hexdigest()

    @cached_property
    def _spellings(self) -> list[str]:
        """The id as CSV, JSON and HTML write it, longest first."""
        found = set()
        for text in (self.id, unicodedata.normalize("NFD", self.id)):
            quoted = (json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False))
            found |= {text, html.escape(text), text.replace('"', '""'), *quoted}
        return sorted(found, key=len, reverse=True)

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        # An id within a longer word is another one.
        return re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in self._spellings))

    @cached_property
    def in_bytes(self) -> re.Pattern[bytes]:
        """Finds the id in the bytes of a file of text."""
        bounded = {text.encode() for text in self._spellings}
        bounded |= {text.encode("latin-1") for text in self._spellings if all(ord(letter) < 256 for letter in text)}
        wide = {text.encode(encoding) for text in self._spellings for encoding in ("utf-16-le", "utf-16-be")}
        found = [rb"(?<!\w)%b(?!\w)" % re.escape(text) for text in sorted(bounded, key=len, reverse=True)]
        return re.compile(b"|".join([*found, *map(re.escape, sorted(wide))]))

    def is_in(self, text: str) -> bool:
        """Whether a text holds the id, or what reads alike."""
        return self._in_text.search(text) is not None

    def redacted(self, text: str) -> str:
        """A text with something else in the place of a distinctive id; any other may mean something else there."""
        return self._in_text.sub(GONE, text) if self.is_distinctive else text

    def is_in_text_of(self, batch: pa.RecordBatch) -> bool:
        """Whether the text of a raw row that could not be taken apart holds the id, or what reads alike."""
        columns = [batch.column(name).drop_null().to_pylist() for name in (_ERROR, _TEXT)]
        return any(self.is_in(text) for texts in columns for text in texts)

    def erased(self, table: Table, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
        """A batch of raw rows without the id, and the number of rows that held it.

        A distinctive id is taken out of text that could not be taken apart, any other out of columns of persons only.
        """
        touched = pa.repeat(pa.scalar(False), batch.num_rows)
        columns = {name: batch.column(name) for name in batch.schema.names}
        for column in table.columns:
            if column.is_personal:
                plain = pc.utf8_normalize(pc.utf8_trim(columns[column.name], characters=_SPACE), form="NFC")
                holds = pc.fill_null(pc.equal(plain, self.id), False)
                columns[column.name] = pc.if_else(holds, pa.scalar(None, pa.string()), columns[column.name])
                touched = pc.or_(touched, holds)
        for name in (_ERROR, _TEXT):
            if self.is_distinctive and columns[name].null_count < batch.num_rows:
                before = columns[name].to_pylist()
                after = [None if text is None else self.redacted(text) for text in before]
                columns[name] = pa.array(after, pa.string())
                touched = pc.or_(touched, pa.array([a != b for a, b in zip(after, before, strict=True)]))
        rows = pc.sum(touched).as_py() or 0
        return pa.RecordBatch.from_pydict(columns, schema=batch.schema), rows


def erasure(made: Sequence[tuple[DeliveredObject, DeliveredObject]], mark: str, rows: int, recorded_at: str) -> Entry:
    """The entry of an erasure: each object with that which takes its place, and the rows that held the person."""
    replaced = [[old.key, old.table, old.format] for old, _ in made]
    objects = tuple(new for _, new in made)
    return Entry(0, "erasure", "", recorded_at, objects, note=mark, settings={"replaced": replaced, "rows": rows})


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What the erasures of a log make superfluous, in whole or part there still.

    ``keys`` of raw objects, ``dropped`` the key and version of the inbox's objects they were copied from, and
    ``content_ids`` of what was curated of them.
    """

    keys: frozenset[str]
    dropped: frozenset[tuple[str, str]]
    content_ids: frozenset[str]


def leftovers(recorded: Sequence[Entry]) -> Leftovers:
    """What is to be deleted after the erasures among the entries as they were written."""
    now = list(recorded)
    keys: set[str] = set()
    dropped: set[tuple[str, str]] = set()
    content_ids: set[str] = set()
    for entry in recorded:
        if entry.kind != "erasure":
            continue
        left = erased(now, entry)
        for before, after in zip(now, left, strict=True):
            if before.kind in ("delivery", "sighting") and before.objects != after.objects:
                content_ids.add(before.content_id)
                gone = [item for item in before.objects if item not in after.objects]
                keys.update(item.key for item in gone)
                dropped.update((item.source_key, item.source_version) for item in gone if item.source_key)
        now = left
    return Leftovers(
        frozenset(keys - named_keys(now)),
        frozenset(dropped),
        frozenset(content_ids - {entry.content_id for entry in now if entry.kind == "delivery"}),
    )


def named_keys(entries: Sequence[Entry]) -> set[str]:
    """The keys of the raw objects that deliveries consist of."""
    return {item.key for entry in entries if entry.kind in ("delivery", "sighting") for item in entry.objects}
