"""Names as they are compared: folded to plain letters, in their several forms, and how alike two of them are."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from rapidfuzz.distance import OSA

# How alike two names are, from alike to hardly. A slip is a letter too many, too few or swapped inside a long word:
# what a hand does, and what hardly ever tells two names apart as first and last letters and other vowels do.
# A short name in another spelling has one letter replaced (Mø, Mo) or points between its letters (R.E.M., REM), a
# doubtful one both. A number is told from a numeral that may be misspelled, or an initial that one leaves out.
Likeness = Literal[
    "same", "article", "respelled", "doubtful", "descriptive", "slip", "one letter", "two letters", "short word",
    "numeral", "number",
]  # fmt: skip

_NUMBER_WORDS = frozenset(
    [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "duo",
        "trio",
        "quartet",
        "quintet",
        "sextet",
        "septet",
        "octet",
        "nonet",
    ]
)
_NUMBER = re.compile(r".*\d.*|x{0,3}(ix|iv|v?i{0,3})|.")  # also a single letter: an initial, or the A of a Studio A
# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ARTICLE = re.compile(r"\W*(the|an?)(\s|$)", re.IGNORECASE)  # an A-ha is none
_INNER_POINTS = re.compile(r"\w[^\w\s]+\w")
_SHORT_KEY = 3
_ROMAN = re.compile(r"[ivx]+")
_APOSTROPHES = str.maketrans("", "", "'’‘`´ʼ")
_LAST_PLAIN_SCRIPT = "\u052f"  # up to here, Latin, Greek and Cyrillic: marks are accents; beyond, they make the letter
# What sources write where nobody is known, and for nobody in particular. Such names identify nothing.
_NOBODY = frozenset(
    [
        "unknown",
        "unknownartist",
        "unknownvenue",
        "various",
        "variousartists",
        "tba",
        "tbd",
        "tobeannounced",
        "tobedetermined",
        "none",
        "na",
        "untitled",
        "anonymous",
        "traditional",
        "notrecorded",
        "venuenotrecorded",
    ]
)
MOST_EDITS = 2
_FEWEST_LETTERS = {1: 5, 2: 9}  # of a name that so many edits leave recognisable
LONG_WORD = 7


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the forms that are compared.

    ``keys`` are the forms without article, conjunction and spaces: names that share one are the same. ``spellings``
    are the forms with spaces, in which letters are compared, as written first. ``bare`` is the name without words that
    only describe, empty where nothing else is left. ``respelling`` tells of a name of few letters whether one of them
    was replaced by a plain one, and whether there were points between them.
    """

    keys: tuple[str, ...]
    spellings: tuple[str, ...]
    has_article: bool
    bare: str = ""
    respelling: tuple[bool, bool] = (False, False)


def folded(text: str) -> list[str]:
    """The words of a text in lower case, without accents and punctuation; a text of signs alone is one word."""
    plain = text.casefold().translate(_APOSTROPHES).replace("&", " and ").replace(" + ", " and ")
    words = re.findall(r"[a-z0-9]+", plain) if plain.isascii() else "".join(_letters(plain)).split()
    return words or ["".join(unicodedata.normalize("NFKC", text).casefold().split())]


def _letters(text: str) -> Iterator[str]:
    base = ""
    for letter in unicodedata.normalize("NFKD", text.translate(_PLAIN)):
        if unicodedata.category(letter).startswith("M"):
            if base > _LAST_PLAIN_SCRIPT:
                yield letter
        else:
            base = letter
            yield letter if letter.isalnum() else " "


def read_name(
    text: str,
    synonyms: Mapping[str, str] | None = None,
    describing: frozenset[str] = frozenset(),
    kinds: frozenset[str] = frozenset(),
) -> Name | None:
    """The forms of a name, or None for one that names nobody.

    ``synonyms`` map a word to the one it is compared as. ``describing`` are words that may be there or not; a name of
    which only such and ``kinds`` are left without them has no bare form.
    """
    written = folded(text)
    if "".join(written) in _NOBODY:
        return None
    words = [synonyms.get(word, word) for word in written] if synonyms else written
    forms = [(words, _ARTICLE.match(text) is not None)]
    first, comma, last = text.partition(",")
    if comma and "," not in last and any(map(str.isalnum, first)) and any(map(str.isalnum, last)):
        # Bach, Johann Sebastian: the number of words of the first part tells where the second begins.
        count = len(folded(first))
        forms.append((words[count:] + words[:count], _ARTICLE.match(last) is not None))
    cores = [_core(*form) for form in forms]
    spellings = {" ".join(spelling): None for spelling in (written, *cores, *(form for form, _ in forms))}
    bare = [word for word in cores[0] if word not in describing] if describing else []
    return Name(
        tuple({"".join(core): None for core in cores}),
        tuple(spellings),
        any(len(form) > 1 and (has_article or form[-1] == "the") for form, has_article in forms),
        "" if kinds.issuperset(bare) else "".join(bare),
        _respelling(text) if len("".join(cores[0])) <= _SHORT_KEY else (False, False),
    )


def _respelling(text: str) -> tuple[bool, bool]:
    plain = unicodedata.normalize("NFC", text).casefold()
    return plain.translate(_PLAIN) != plain, _INNER_POINTS.search(plain) is not None


def _core(words: Sequence[str], has_article: bool) -> list[str]:
    """The words without article, which leads where they ``has_article``, and conjunctions, as far as any are left."""
    start = 1 if len(words) > 1 and has_article else 0
    end = len(words) - 1 if len(words) - start > 1 and words[-1] == "the" else len(words)
    core = list(words[start:end])
    return [word for word in core if word != "and"] or core


@cache
def is_number(word: str) -> bool:
    """Whether a word counts or distinguishes rather than names: digits, a Roman numeral to 39, an initial."""
    return word in _NUMBER_WORDS or _NUMBER.fullmatch(word) is not None


def compare_names(left: Name, right: Name) -> Likeness | None:
    """How alike two names are; None where they are two names.

    Letters are compared by optimal string alignment: a letter left out, added, replaced, or swapped with its neighbour
    counts one. What differs in a number or initial, or in a word of three letters, is told apart from a misspelling.
    """
    if not set(left.keys).isdisjoint(right.keys):
        if left.respelling != right.respelling:
            is_both = all(ours != theirs for ours, theirs in zip(left.respelling, right.respelling, strict=True))
            return "doubtful" if is_both else "respelled"
        return "same" if left.has_article == right.has_article else "article"
    if left.bare and left.bare == right.bare:
        ours, theirs = set(left.spellings[-1].split()), set(right.spellings[-1].split())
        if ours <= theirs or theirs <= ours:
            return "descriptive"
    edits, one, other = MOST_EDITS + 1, "", ""
    for ours_spelled in left.spellings:
        for theirs_spelled in right.spellings:
            found = OSA.distance(ours_spelled, theirs_spelled, score_cutoff=MOST_EDITS)
            if found < edits:
                edits, one, other = found, ours_spelled, theirs_spelled
    if edits > MOST_EDITS or min(len(one), len(other)) - one.count(" ") < _FEWEST_LETTERS[max(edits, 1)]:
        return None
    if _numbers(one) != _numbers(other):
        return _kind_of_number(one.split(), other.split())
    return _kind_of_edit(one.split(), other.split(), edits)


def _numbers(spelling: str) -> list[str]:
    return sorted(word for word in spelling.split() if is_number(word))


def _kind_of_number(left: Sequence[str], right: Sequence[str]) -> Likeness:
    """Whether two names have different numbers, or whether a hand may have slipped."""
    if len(left) != len(right):  # David Grossman and David J. Grossman, but not Orchestra and Orchestra B
        ours, theirs = set(left), set(right)
        is_initial = all(len(word) == 1 and word.isalpha() for word in ours ^ theirs) and left[-1] == right[-1]
        return "numeral" if is_initial else "number"
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    return (
        "number" if any(is_number(a) and is_number(b) and not _are_near_numerals(a, b) for a, b in pairs) else "numeral"
    )


def _are_near_numerals(left: str, right: str) -> bool:
    """Whether a hand may have made one Roman numeral of another; two single letters are initials."""
    are_roman = max(len(left), len(right)) > 1 and _ROMAN.fullmatch(left) and _ROMAN.fullmatch(right)
    return bool(are_roman) and OSA.distance(left, right) == 1


def _kind_of_edit(left: Sequence[str], right: Sequence[str], edits: int) -> Likeness | None:
    if len(left) != len(right):
        return "two letters"
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    if edits > 1 and len(pairs) == 1 and min(map(len, pairs[0])) <= LONG_WORD:
        return None  # two letters of a short word: North and South
    if any(min(len(a), len(b)) <= 3 for a, b in pairs):
        return "short word"
    if edits == 1:
        ((a, b),) = pairs
        is_inside = a[0] == b[0] and a[-1] == b[-1] and max(len(a), len(b)) >= LONG_WORD
        return "slip" if is_inside and (len(a) != len(b) or sorted(a) == sorted(b)) else "one letter"
    return "two letters"


def shortened(name: Name, fewest_letters: int) -> Iterator[str]:
    """The name as written, and with one letter of a word left out; ``fewest_letters`` is how long such a word is.

    Two names that differ in one letter of such a word, or by a swap in it, have one of these in common.
    """
    written = name.spellings[0]
    yield written
    start = 0
    for word in written.split(" "):
        if len(word) >= fewest_letters and word.isalpha():
            for at in range(start, start + len(word)):
                yield written[:at] + written[at + 1 :]
        start += len(word) + 1
