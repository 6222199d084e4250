"""The tables of who is who: what users declare of artists and venues, and which ids were merged into which."""

from concert_assets.catalog.dimensions import UPDATED_AT
from concert_assets.catalog.model import Column, Rule, Table

ENTITIES = ("artist", "venue")
VERDICTS = ("same", "different")

IDENTITY_ALIASES = Table(
    name="identity_aliases",
    description="Declarations that two artists or two venues are the same or are not, one row per pair.",
    key=("entity", "reference", "other_reference"),
    columns=(
        Column("entity", "varchar(16)", "What the references name", required=True, values=ENTITIES, is_word=True),
        Column(
            "reference",
            "varchar(512)",
            "Id or name; a name means every row of that name, spelled with any case, accents and punctuation",
            required=True,
            aliases=("left", "a"),
        ),
        Column("other_reference", "varchar(512)", "Id or name of the other one", required=True, aliases=("right", "b")),
        Column(
            "verdict",
            "varchar(16)",
            "same forces a merge, different forbids one; where both are said of a pair, different holds",
            required=True,
            values=VERDICTS,
            is_word=True,
        ),
        Column(
            "city",
            "varchar(256)",
            "City in which names of venues are meant; without it names hold within each city, never across cities",
        ),
        UPDATED_AT,
    ),
    table_rules=(
        Rule(
            "aliases_differ",
            "validity",
            "other_reference",
            "verdict = 'different' or reference <> other_reference",
            "what is the same has two ids or names",
        ),
        Rule(
            "city_of_venues",
            "validity",
            "city",
            "city is null or entity = 'venue'",
            "only a venue lies in a city",
        ),
    ),
)

IDENTITY_MAP = Table(
    name="identity_map",
    description="Artists and venues merged into others, one row per id that gave way; any other id stands for itself.",
    key=("entity", "source_id"),
    columns=(
        Column("entity", "varchar(16)", "artist or venue", required=True, values=ENTITIES),
        Column("source_id", "varchar(64)", "Id that gave way", required=True),
        Column("canonical_id", "varchar(64)", "Published id, of the cluster the one delivered first", required=True),
        Column("score", "decimal(5,2)", "Weight of the evidence; a match takes 50, an alias has 100", "score 0-100"),
        Column("method", "varchar(16)", "evidence, or alias where a user declared it", values=("evidence", "alias")),
        Column("evidence", "varchar(1024)", "What spoke for the merge and against it"),
        Column("timezone", "varchar(64)", "Time zone that the venue's own row tells; its concerts are read in it"),
        Column("capacity", "integer", "Capacity that the venue's own row tells; it holds for its concerts", "persons"),
    ),
)

# The tables whose near-duplicates are merged: what a row of each is, and the rule under which one gives way.
MERGED = {"artists": "artist", "venues": "venue"}
MERGE_RULES = {
    table: Rule(
        f"same_{name}", "uniqueness", "name", "true", f"one {name} stands under one id, the one delivered first", "set"
    )
    for table, name in MERGED.items()
}
