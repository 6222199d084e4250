"""Hostile texts, a table a kind of column: each with the value that it is read as, or none at all."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

INTEGERS = {
    "12": 12, " 12 ": 12, "12.": 12, "12.0": 12, "12.00000": 12, "+5": 5, "-3": -3, "-0": 0, "007": 7, "999999999": 999999999,
    "1,000": 1000, "1 000": 1000, "1'000": 1000, "1,000,000": 1_000_000, "1.000.000": 1_000_000, "1,000.0": 1000, "12,0": 12,
    "0.000": 0, "0000.000": 0, "1234.000": 1234, "\u22125": -5, "1\u202f234": 1234, "1\u00a0234": 1234, "1\u2019234": 1234,
    "\t7\n": 7, "7\x0b": 7, "\u00a07\u2009": 7, "\ufeff7": 7,
    "1.000": None, "100.000": None, "12,00,000": None, "1,00": 1, "0,001": None, "1234,567": None, "1,234,56": None,
    "12.5": None, "0.9999": None, "1e3": None, "1E+3": None, "0x10": None, "1_000": None, "1  000": 1000, "9999999999": None,
    "2147483648": None, "99999999999999999999": None, "9223372036854775808": None, "٧": None, "１２": None, "NaN": None,
    "inf": None, "true": None, "1e308": None, "9,999,999,999": None, "1\n000": 1000,
    "twelve": None, "": None, "-": None, ".": None, "1.2.3": None, "7;": None, "--7": None, "(7)": None, "$7": None, "7%": None,
}  # fmt: skip
DOUBLES = {
    "1.5": 1.5, "-0.25": -0.25, "90": 90.0, "+7.125": 7.125, "0.1": 0.1, "100000000000000": 1e14,
    "1e1": 10.0, "5e-05": 5e-05, "1E308": None, "1e308": None, "1,5": 1.5, "-73,9857": -73.9857, ".5": 0.5, "-.25": -0.25,
    "NaN": None, "nan": None, "inf": None, "Infinity": None, "-Infinity": None, "0x1p3": None, "1.5d": None, "1.5f": None,
    "5.": None, "1e400": None, "12abc": None, "": None, "1,234,567": None, "1 234": None, "40° N": None,
}  # fmt: skip
MONEY = {
    "10": Decimal("10.00"), "10.5": Decimal("10.50"), "10.50": Decimal("10.50"), "10.5000": Decimal("10.50"),
    "0.500": Decimal("0.50"), "007.500": Decimal("7.50"), "1234.500": Decimal("1234.50"), "12,500": Decimal("12500.00"),
    "0.01": Decimal("0.01"), "-1": Decimal("-1.00"), "99999999.99": Decimal("99999999.99"), "0.1": Decimal("0.10"),
    "$5": Decimal("5.00"), "$ 5.00": Decimal("5.00"), "US$5": Decimal("5.00"), "us $5": Decimal("5.00"), "USD 5": Decimal("5.00"),
    "5 USD": Decimal("5.00"), "5usd": Decimal("5.00"), "5.00 US$": Decimal("5.00"), "5$": Decimal("5.00"), "$5 USD": Decimal("5.00"),
    "USD $5": Decimal("5.00"), "1,000.00": Decimal("1000.00"), "$1,234,567.89": Decimal("1234567.89"), "1,234": Decimal("1234.00"),
    "1 234.50": Decimal("1234.50"), "1\u202f234,50": Decimal("1234.50"), "1'234.50": Decimal("1234.50"), "1 234,5": Decimal("1234.50"),
    "1.234,50": Decimal("1234.50"), "1.234.567": Decimal("1234567.00"), "1.234.567,8": Decimal("1234567.80"),
    "5,00": Decimal("5.00"), "12,5": Decimal("12.50"), "1234,5": Decimal("1234.50"), "0,500": Decimal("0.50"), ".5": Decimal("0.50"),
    "$.50": Decimal("0.50"), "-$5": Decimal("-5.00"), "$-5": Decimal("-5.00"), "- 5": Decimal("-5.00"), "+$5.00": Decimal("5.00"),
    "\u2212$5.00": Decimal("-5.00"), "(5.00)": Decimal("-5.00"), "($1,234.50)": Decimal("-1234.50"), "$(5)": Decimal("-5.00"),
    "(USD 5)": Decimal("-5.00"), "\u00a0$5\u200b": Decimal("5.00"), "1,234.500": Decimal("1234.50"),
    "1.000": None, "10.500": None, "12.500": None, "-2.250": None, "$100.000": None, "(1.000)": None, "12.500 USD": None,
    "10.505": None, "0.001": None, "1.234": None, "0,125": None, "1,234.567": None, "100000000": None, "999999999999999999": None,
    "$100,000,000": None, "9223372036854775808": None, "1e2": None, "1e308": None, "$1e3": None, "1234,567": None, "12,34,567": None,
    "1,23,4": None, "1.23.456": None, "1 23": None, "1,234 567": None, "(5": None, "5)": None, "(-5)": None, "-$-5": None, "--5": None,
    "5-": None, "$$5": None, "$": None, "USD": None, "$ .": None, "1..5": None, ",5": None, "5%": None, "five": None,
    "€5": None, "5 €": None, "5 EUR": None, "£12.50": None, "C$5": None, "A$5": None, "5 kr": None, "¥500": None,
    "NaN": None, "nan": None, "Infinity": None, "-inf": None, "": None, "call us": None, "٥": None, "$٥": None,
}  # fmt: skip
DATES = {
    "2024-02-29": date(2024, 2, 29), " 2024-02-29 ": date(2024, 2, 29), "0001-01-01": date.min, "9999-12-31": date.max,
    "1842-12-07": date(1842, 12, 7),
    "2024-1-1": date(2024, 1, 1), "2024/01/31": date(2024, 1, 31), "2024/1/3": date(2024, 1, 3), "2024.01.31": date(2024, 1, 31),
    "20240131": date(2024, 1, 31), "00010101": date.min, "99991231": date.max, "31.01.2024": date(2024, 1, 31),
    "1.2.2024": date(2024, 2, 1), "31. 1. 2024": date(2024, 1, 31), "01/02/2024": date(2024, 1, 2), "1/2/2024": date(2024, 1, 2),
    "12/31/9999": date.max, "01/01/0001": date.min, "May 1, 2024": date(2024, 5, 1), "may 1 2024": date(2024, 5, 1),
    "MAY 1ST, 2024": date(2024, 5, 1), "Sept. 9, 2024": date(2024, 9, 9), "September 09, 2024": date(2024, 9, 9),
    "1 May 2024": date(2024, 5, 1), "1-May-2024": date(2024, 5, 1), "01-DEC-2024": date(2024, 12, 1), "1st January 2024": date(2024, 1, 1),
    "22. Feb 2024": date(2024, 2, 22), "Wed, May 1, 2024": date(2024, 5, 1), "Wednesday, 1 May 2024": date(2024, 5, 1),
    "Thurs 2 May 2024": date(2024, 5, 2), "Feb 29, 2024": date(2024, 2, 29), "2024-01-01T00:00:00": date(2024, 1, 1),
    "2024-01-01 00:00": date(2024, 1, 1), "2024-01-01T00:00:00.000Z": date(2024, 1, 1), "1/31/2024 12:00 AM": date(2024, 1, 31),
    "\u00a02024-02-29\u2003": date(2024, 2, 29), "May\u00a01,\u202f2024": date(2024, 5, 1),
    "2025-02-30": None, "2023-02-29": None, "2024-02-30": None, "2024-13-01": None, "2024-00-10": None, "0000-01-01": None,
    "20250230": None, "2/30/2025": None, "30.2.2025": None, "Feb 30, 2025": None, "31 April 2024": None, "Feb 29, 2023": None,
    "13/01/2024": None, "31/12/2024": None, "1.13.2024": None, "05-01-2024": None, "1-2-2024": None, "01/02/24": None, "1.2.24": None,
    "2024-05/01": None, "2024/05-01": None, "May 2024": None, "2024": None, "202401": None, "2024-05": None, "Mai 1, 2024": None,
    "Maybe 1, 2024": None, "May 1": None, "May 32, 2024": None, "1714593600": None, "45413": None, "Wed": None, "2024-W18-3": None,
    "2024-01-01T20:00:00": None, "2024-01-01 00:00:01": None, "2024-01-01T00:00:00+02:00": None, "infinity": None, "epoch": None,
    "today": None, "12024-01-01": None, "-0044-03-15": None, "2024-01-01 (BC)": None, "": None, "٢٠٢٤-٠١-٠١": None,
}  # fmt: skip
UTC, LOCAL, DATE = "utc", "local", "date"
EIGHT = datetime(2024, 5, 1, 20)
INSTANTS = {
    "2024-05-01T20:00:00Z": (EIGHT, UTC), "2024-05-01 20:00:00 Z": (EIGHT, UTC), "2024-05-01T20:00Z": (EIGHT, UTC),
    "2024-05-01T22:00:00+02:00": (EIGHT, UTC), "2024-05-01T22:00+0200": (EIGHT, UTC), "2024-05-01T14:30:00-05:30": (EIGHT, UTC),
    "2024-05-02T10:00:00 +14:00": (EIGHT, UTC), "2024-05-01T20:00:00+00:00": (EIGHT, UTC),
    "2024-05-01T20:00:00-00:00": (EIGHT, UTC), "2024-05-01T20:00:00.5Z": (EIGHT.replace(microsecond=500_000), UTC),
    "2024-03-01T00:30:00+01:00": (datetime(2024, 2, 29, 23, 30), UTC),
    "2024-05-01T22:00:00+02": (EIGHT, UTC), "2024-05-01 20:00:00 UTC": (EIGHT, UTC), "2024-05-01t20:00:00z": (EIGHT, UTC),
    "2024-05-01 20:00:00.000000000Z": (EIGHT, UTC), "20240501T200000Z": (EIGHT, UTC), "20240501T2000": (EIGHT, LOCAL),
    "2024/05/01 20:00:00 GMT": (EIGHT, UTC), "Wed, 01 May 2024 20:00:00 GMT": (EIGHT, UTC), "Wed, 1 May 2024 22:00:00 +0200": (EIGHT, UTC),
    "1714593600": (EIGHT, UTC), "1714593600000": (EIGHT, UTC), "1714593600500": (EIGHT.replace(microsecond=500_000), UTC),
    "1899999999": (datetime(2030, 3, 17, 17, 46, 39), UTC), "May 1, 2024 8:00 PM -0000": (EIGHT, UTC),
    "2024-05-01T20:00:00": (EIGHT, LOCAL), "2024-05-01 20:00": (EIGHT, LOCAL), "2024-5-1 20:00": (EIGHT, LOCAL),
    "01.05.2024 20:00": (EIGHT, LOCAL), "1.5.2024, 20:00:00": (EIGHT, LOCAL), "5/1/2024 20:00": (EIGHT, LOCAL),
    "5/1/2024, 8:00:00\u202fPM": (EIGHT, LOCAL), "05/01/2024 8 pm": (EIGHT, LOCAL), "5/1/2024 08:00PM": (EIGHT, LOCAL),
    "May 1, 2024 at 8:00 p.m.": (EIGHT, LOCAL), "Wednesday, May 1st, 2024 8:00 PM": (EIGHT, LOCAL), "1-May-2024 20:00": (EIGHT, LOCAL),
    "2024-05-01 12:00 AM": (datetime(2024, 5, 1), LOCAL), "2024-05-01 12:30 pm": (datetime(2024, 5, 1, 12, 30), LOCAL),
    "2024-05-01 9:05": (datetime(2024, 5, 1, 9, 5), LOCAL), "2024-05-01 1:05:06.5 am": (datetime(2024, 5, 1, 1, 5, 6, 500_000), LOCAL),
    "May 1, 2024": (datetime(2024, 5, 1), DATE), "20240501": (datetime(2024, 5, 1), DATE), "5/1/2024": (datetime(2024, 5, 1), DATE),
    "1000000000": (datetime(2001, 9, 9, 1, 46, 40), UTC),
    "2024-05-01 20:00:00.000001": (EIGHT.replace(microsecond=1), LOCAL), "2024-05-01": (datetime(2024, 5, 1), DATE),
    "0001-01-01": (datetime(1, 1, 1), DATE), "9999-12-31": (datetime(9999, 12, 31), DATE),
    "9999-12-31T23:59:59Z": (datetime(9999, 12, 31, 23, 59, 59), UTC), "0001-01-01T00:00:00Z": (datetime(1, 1, 1), UTC),
}  # fmt: skip
NO_INSTANTS = (
    "2024-05-01T24:00:00Z", "2024-05-01T25:00:00Z", "2024-05-01T20:60:00Z", "2024-05-01T23:59:60Z", "2024-02-30T20:00:00Z",
    "2025-13-45T20:00:00Z", "2024-05-01T20:00:00+99:99", "2024-05-01T20:00:00+15:00", "2024-05-01T20:00:00+02:60",
    "2024-05-01T20:00:00 Europe/Paris", "2024-05-01T20:00:00 EST", "2024-05-01T20:00:00.1234567Z", "2024-05-01T20", "2024-05-01Z",
    "2024-05-01T20+02", "0000-05-01T20:00:00Z", "2025-02-30", "2025-02-30 8:00 PM", "2/30/2025 20:00", "13/05/2024 20:00",
    "2024-05-01 13:00 PM", "2024-05-01 0:30 AM", "2024-05-01 20:00 PM", "2024-05-01 8", "2024-05-01 8:5", "2024-05-01 20:00 Z Z",
    "1900000000", "2024050120", "20240501200000", "202405012000", "171459360", "17145936000", "171459360000", "1714593600000000",
    "1714593600.5", "-1714593600", "1.7145936e9", "45413.5", "20240501T200000+02:00:00", "20240501T2500Z",
    "9999-12-31T23:59:59-01:00", "0001-01-01T00:30:00+01:00", "9999-12-31T23:59:59", "May 1, 10000", "Fri May 1", "8 PM",
    "infinity", "now", "to be announced", "next Friday", "", "2024-05-01T20:00:00Z; drop table x", "2024-05-01X20:00",
)  # fmt: skip
WORDS = {
    "Arena": "arena", " ARENA ": "arena", "arena": "arena", "Theatre": "theater", "THEATRE": "theater", "Nightclub": "club",
    "Night Club": "club", "night-club": "club", "Amphitheatre": "amphitheater", "Concert Hall": "hall", "concert_hall": "hall",
    "Ballroom": "hall", "Opera\u00a0House": "theater", "Open-Air": "outdoor", "Other": "other",
    "Öper": None, "ar\u0130na": None, "club, arena": None, "laundromat": None, "'; drop table venues; --": None, "": None, "   ": None,
}  # fmt: skip
STATUSES = {
    "Canceled": "cancelled", "cancelled": "cancelled", "CANCELED": "cancelled", "On Sale": "scheduled", "on-sale": "scheduled",
    "Rescheduled": "scheduled", "Complete": "completed", "done": None, "sold out": None, "rumoured": None,
}  # fmt: skip
TIERS = {
    "VIP": "vip", "Early Bird": "early_bird", "early-bird": "early_bird", "EARLYBIRD": "early_bird", "early_bird": "early_bird",
    "General Admission": "general", "GA": "general", "Standing Room Only": "standing", "Reserved": "seated", "balcony": None,
}  # fmt: skip
SALE_STATES = {"Paid": "completed", "Refund": "refunded", "Charge-Back": "chargeback", "void": None, "cancelled": None}
ZONES = {
    "America/New_York": "America/New_York",
    " UTC ": "UTC",
    "america/new_york": None,
    "Central Time": None,
    "UTC+25": None,
}
COUNTRY_NAMES = {
    "US": "US", "us": "US", "USA": "US", "United States": "US", "united states of america": "US", "U.S.A.": "US", "UK": "GB",
    "England": "GB", "DEU": "DE", "germany": "DE", "Guinea-Bissau": "GW", "Atlantis": "Atlantis", "México": "México", "XX": "XX",
}  # fmt: skip
LISTS = {
    '["rock","pop"]': '["rock","pop"]', '[ "rock", "p\\"op" ]': '[ "rock", "p\\"op" ]', "[]": "[]", "[1, true, null]": "[1, true, null]",
    '["\\u00e9"]': '["\\u00e9"]', "rock": '["rock"]', "rock;pop": '["rock","pop"]', " rock ; pop ;; ": '["rock","pop"]',
    "rock|pop|jazz": '["rock","pop","jazz"]', "rock, pop": '["rock","pop"]', "Crosby, Stills | Nash": '["Crosby, Stills","Nash"]',
    "a;b|c": '["a","b","c"]', ";;": "[]", ", ,": "[]", 'Weird "Al" Yankovic': '["Weird \\"Al\\" Yankovic"]', "AC\\DC": '["AC\\\\DC"]',
    "a\u00a0;\u2009b": '["a","b"]', "Sigur Rós;Ⅷ 🎻": '["Sigur Rós","Ⅷ 🎻"]', "rock'n'roll": '["rock\'n\'roll"]', "a[;]b": '["a[","]b"]',
    "drum & bass,": '["drum & bass"]', "$1;\\1;\\0": '["$1","\\\\1","\\\\0"]', "null": '["null"]',
    "[-1.5e3, 0]": "[-1.5e3, 0]", '[ ]': "[ ]", '["a , b", ""]': '["a , b", ""]', '["\\\\"]': '["\\\\"]', '[""]': '[""]',
    '[,"a"]': None, '["a",,"b"]': None, '["a"1]': None, '["a"e5]': None, '["a".5]': None, '[-"a"]': None, '[1 2]': None, "[.5]": None,
    "[truefalse]": None, "[nul]": None, '["\\"]': None, '["\\u12"]': None, "[True]": None, '["a"]]': None, "[_]": None,
    '["rock"': None, "['rock', 'pop']": None, '["rock",]': None, '[["rock"]]': None, '[{"name": "Ada"}]': None, '{"rock": 1}': None,
    "{rock,pop}": None, '["rock" "pop"]': None, '["a\nb"]': None, "rock\npop": None, "rock\tpop": None, '["\\x"]': None, "[01]": None,
    "": None, " ": None,
}  # fmt: skip
TEXTS = {
    "  Ada  ": "Ada",
    "": None,
    "   ": None,
    "Ⅷ 🎻": "Ⅷ 🎻",
    "\u00a0Ada\u2003\u200b": "Ada",
    "\ufeffAda\u200e": "Ada",
    "\u3000": None,
    "\u200b\ufeff": None,
    "Ada\u00a0Lovelace": "Ada\u00a0Lovelace",
    "\x1fé\x85": "é",
    "null": "null",
    "'; drop table artists; --": "'; drop table artists; --",
}
SCORES = {
    "0": "0.00", "100": "100.00", "100.00": "100.00", "99.99": "99.99", "999.99": "999.99", "85%": "85.00", "85.5 %": "85.50",
    "85,5": "85.50", "85.500": None, "99.999": None, "1000": None, "85%%": None, "%85": None, "$85": None, "85/100": None,
}  # fmt: skip
READINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("venues", "capacity", INTEGERS),
    ("venues", "latitude", DOUBLES),
    ("ticket_sales", "unit_price", MONEY),
    ("concerts", "on_sale_date", DATES),
    ("venues", "venue_type", WORDS),
    ("venues", "timezone", ZONES),
    ("venues", "country", COUNTRY_NAMES),
    ("concerts", "status", STATUSES),
    ("ticket_prices", "ticket_tier", TIERS),
    ("ticket_sales", "ticket_tier", TIERS),
    ("ticket_sales", "sale_status", SALE_STATES),
    ("artists", "genres", LISTS),
    ("artists", "members", LISTS),
    ("artists", "name", TEXTS),
]

_SPACES = (" ", "\t", "\n", "\r", "\x0b", "\u00a0", "\u2003", "\ufeff")
# Every text above and a few more, for any column.
HOSTILE: tuple[str | None, ...] = (
    None,
    *dict.fromkeys(
        (
            *INTEGERS, *DOUBLES, *MONEY, *DATES, *INSTANTS, *NO_INSTANTS, *SCORES,
            *(text for _, _, readings in READINGS for text in readings),
            "x", "é", "e\u0301", "K\u00f6ln", "🎫", "early bird", "EARLY_BIRD", "completed", "null", "None", "-", "[]", '["a"]',
            "a" * 5_000, "\u0130stanbul", "ß", "SS", "\x00", "\ud7ff", "\ufffd", "'; drop table x; --",
            *(before + text + after for before in _SPACES for after in _SPACES for text in ("x", "7", "2024-02-29")),
        )
    ),
)  # fmt: skip
# A plain row of each table.
PLAIN_ROWS: dict[str, dict[str, str | None]] = {
    "artists": {"artist_id": "A1", "name": "Nina", "primary_genre": "jazz", "popularity_score": "50.00"},
    "venues": {"venue_id": "V1", "name": "Hall", "venue_type": "hall", "city": "Leeds", "country": "GB", "capacity": "900"},
    "concerts": {
        "concert_id": "C1", "artist_id": "A1", "venue_id": "V1", "event_date": "2024-05-01T20:00:00Z",
        "on_sale_date": "2024-02-01", "status": "completed", "tickets_sold": "800", "revenue": "24000.00",
    },
    "ticket_prices": {"concert_id": "C1", "ticket_tier": "general", "face_value": "30.00"},
    "ticket_sales": {
        "sale_id": "S1", "concert_id": "C1", "customer_id": "U1", "ticket_tier": "early_bird", "quantity": "2",
        "unit_price": "11.00", "total_price": "22.00", "purchase_timestamp": "2024-04-01T12:00:00Z",
        "payment_method": "card", "sale_status": "completed", "updated_at": "2024-04-01 12:00:00",
    },
    "identity_aliases": {"entity": "artist", "reference": "A1", "other_reference": "A2", "verdict": "same"},
}  # fmt: skip
