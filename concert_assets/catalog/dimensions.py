"""The tables of who plays and where: artists and venues, and the columns that all canonical tables share."""

from concert_assets.catalog.model import Column, Table
from concert_assets.catalog.places import COUNTRIES, US_STATES
from concert_assets.catalog.timezones import TIMEZONES

VENUE_TYPES = ("club", "theater", "hall", "arena", "amphitheater", "stadium", "outdoor", "other")
_VENUE_WORDS = (
    ("club", ("nightclub", "night club", "music club", "jazz club", "bar", "pub", "lounge")),
    ("theater", ("theatre", "opera house", "opera", "playhouse", "performing arts center", "performing arts centre")),
    ("hall", ("concert hall", "music hall", "symphony hall", "recital hall", "auditorium", "ballroom", "philharmonic")),
    ("arena", ("indoor arena", "sports arena", "coliseum")),
    ("amphitheater", ("amphitheatre",)),
    ("stadium", ("football stadium", "soccer stadium", "baseball stadium", "ballpark")),
    ("outdoor", ("outdoors", "open air", "open air venue", "outdoor venue", "park", "festival", "festival grounds")),
)

# Which raw object and which row of it a row came from. Carried by every staged and published row.
ORIGIN = (
    Column("_object_id", "varchar(32)", "Raw object the row came from, as numbered in the load ledger", required=True),
    Column("_row_number", "bigint", "Row of that object, counted from 1 per table", required=True),
)
UPDATED_AT = Column(
    "updated_at",
    "timestamp",
    "When the source last changed the row; the newest version of a key wins",
    "UTC",
    aliases=("last_updated", "last_modified", "modified_at", "modified", "updated"),
)

ARTISTS = Table(
    name="artists",
    description="Performing artists, ensembles and conductors, one row per artist.",
    key=("artist_id",),
    columns=(
        Column("artist_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id", "artistid")),
        Column(
            "name",
            "varchar(512)",
            "Name under which the artist performs",
            required=True,
            aliases=("artist_name", "artist", "stage_name"),
        ),
        Column("primary_genre", "varchar(64)", "Main genre", aliases=("genre", "main_genre")),
        Column(
            "genres",
            "varchar(2000)",
            "All genres, a JSON list of text",
            is_list=True,
            aliases=("genre_list", "all_genres", "styles"),
        ),
        Column(
            "popularity_score",
            "decimal(5,2)",
            "Popularity at delivery",
            "score 0-100",
            minimum="0",
            maximum="100",
            aliases=("popularity",),
        ),
        Column(
            "formation_date",
            "date",
            "Date the artist was formed or first performed",
            aliases=("formed", "formed_on", "formed_date", "founded", "date_formed"),
        ),
        Column(
            "members",
            "varchar(4000)",
            "Names of members, a JSON list of text",
            is_list=True,
            aliases=("band_members", "member_names"),
        ),
        Column(
            "spotify_id", "varchar(64)", "Identifier in Spotify's catalogue", aliases=("spotify", "spotify_artist_id")
        ),
        UPDATED_AT,
    ),
    distribution_key="artist_id",
)

VENUES = Table(
    name="venues",
    description="Places where concerts are held, one row per venue.",
    key=("venue_id",),
    columns=(
        Column("venue_id", "varchar(64)", "Identifier given by the source", required=True, aliases=("id", "venueid")),
        Column("name", "varchar(512)", "Name of the venue", required=True, aliases=("venue_name", "venue")),
        Column(
            "venue_type",
            "varchar(16)",
            "Kind of venue",
            values=VENUE_TYPES,
            is_word=True,
            synonyms=_VENUE_WORDS,
            aliases=("type", "kind"),
        ),
        Column(
            "address",
            "varchar(512)",
            "Street address",
            aliases=(
                "street",
                "street_address",
                "location.address",
                "location.street",
                "address.street",
                "address.line1",
            ),
        ),
        Column(
            "city",
            "varchar(256)",
            "City",
            aliases=("location.city", "address.city", "town", "venue_city", "location_city"),
        ),
        Column(
            "state",
            "varchar(64)",
            "State or region, the postal abbreviation in the United States",
            synonyms=tuple(US_STATES.items()),
            synonyms_within=("country", "US"),
            aliases=(
                "location.state",
                "address.state",
                "state_code",
                "province",
                "region",
                "location.region",
                "venue_state",
                "location_state",
            ),
        ),
        Column(
            "country",
            "varchar(64)",
            "Country, ISO 3166-1 alpha-2 where known",
            synonyms=tuple(COUNTRIES.items()),
            aliases=("location.country", "address.country", "country_code", "venue_country", "location_country"),
        ),
        Column(
            "postal_code",
            "varchar(32)",
            "Postal code",
            aliases=(
                "zip",
                "zipcode",
                "zip_code",
                "postcode",
                "location.postal_code",
                "location.zip",
                "address.postal_code",
                "address.zip",
            ),
        ),
        Column(
            "timezone",
            "varchar(64)",
            "IANA time zone; local times of the venue's concerts are read in it",
            values=TIMEZONES,
            aliases=("time_zone", "tz", "location.timezone"),
        ),
        Column(
            "latitude",
            "double precision",
            "Latitude, WGS 84",
            "degrees",
            minimum="-90",
            maximum="90",
            aliases=("lat", "location.latitude", "location.lat", "coordinates.latitude", "coordinates.lat"),
        ),
        Column(
            "longitude",
            "double precision",
            "Longitude, WGS 84",
            "degrees",
            minimum="-180",
            maximum="180",
            aliases=(
                "lon",
                "lng",
                "long",
                "location.longitude",
                "location.lon",
                "location.lng",
                "coordinates.longitude",
                "coordinates.lon",
                "coordinates.lng",
            ),
        ),
        Column(
            "capacity",
            "integer",
            "Largest audience the venue admits",
            "persons",
            minimum="1",
            maximum="1000000",
            aliases=("max_capacity", "seating_capacity", "seats"),
        ),
        UPDATED_AT,
    ),
    distribution_key="venue_id",
)
