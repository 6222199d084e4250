"""The tables of who plays and where: artists and venues, and the columns that all canonical tables share."""

from concert_assets.catalog.model import Column, Table
from concert_assets.catalog.timezones import TIMEZONES

VENUE_TYPES = ("club", "theater", "hall", "arena", "amphitheater", "stadium", "outdoor", "other")

# Which raw object and which row of it a row came from. Carried by every staged and published row.
ORIGIN = (
    Column("_object_id", "varchar(32)", "Raw object the row came from, as numbered in the load ledger", required=True),
    Column("_row_number", "bigint", "Row of that object, counted from 1 per table", required=True),
)
UPDATED_AT = Column(
    "updated_at", "timestamp", "When the source last changed the row; the newest version of a key wins", "UTC"
)

ARTISTS = Table(
    name="artists",
    description="Performing artists, ensembles and conductors, one row per artist.",
    key=("artist_id",),
    columns=(
        Column("artist_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id",)),
        Column("name", "varchar(512)", "Name under which the artist performs", required=True, aliases=("artist_name",)),
        Column("primary_genre", "varchar(64)", "Main genre", aliases=("genre",)),
        Column("genres", "varchar(2000)", "All genres, a JSON list of text"),
        Column(
            "popularity_score",
            "decimal(5,2)",
            "Popularity at delivery",
            "score 0-100",
            minimum="0",
            maximum="100",
            aliases=("popularity",),
        ),
        Column("formation_date", "date", "Date the artist was formed or first performed"),
        Column("members", "varchar(4000)", "Names of members, a JSON list of text"),
        Column("spotify_id", "varchar(64)", "Identifier in Spotify's catalogue"),
        UPDATED_AT,
    ),
    distribution_key="artist_id",
)

VENUES = Table(
    name="venues",
    description="Places where concerts are held, one row per venue.",
    key=("venue_id",),
    columns=(
        Column("venue_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id",)),
        Column("name", "varchar(512)", "Name of the venue", required=True, aliases=("venue_name",)),
        Column("venue_type", "varchar(16)", "Kind of venue", values=VENUE_TYPES, is_word=True, aliases=("type",)),
        Column("address", "varchar(512)", "Street address"),
        Column("city", "varchar(256)", "City", aliases=("location.city",)),
        Column(
            "state",
            "varchar(64)",
            "State or region, the postal abbreviation in the United States",
            aliases=("location.state",),
        ),
        Column("country", "varchar(64)", "Country, ISO 3166-1 alpha-2 where known", aliases=("location.country",)),
        Column("postal_code", "varchar(32)", "Postal code", aliases=("zip", "location.postal_code")),
        Column(
            "timezone",
            "varchar(64)",
            "IANA time zone; local times of the venue's concerts are read in it",
            values=TIMEZONES,
        ),
        Column(
            "latitude",
            "double precision",
            "Latitude, WGS 84",
            "degrees",
            minimum="-90",
            maximum="90",
            aliases=("lat", "location.latitude"),
        ),
        Column(
            "longitude",
            "double precision",
            "Longitude, WGS 84",
            "degrees",
            minimum="-180",
            maximum="180",
            aliases=("lon", "lng", "location.longitude"),
        ),
        Column("capacity", "integer", "Largest audience the venue admits", "persons", minimum="1", maximum="1000000"),
        UPDATED_AT,
    ),
    distribution_key="venue_id",
)
