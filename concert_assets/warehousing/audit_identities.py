"""The rules that look at merged identities: where the map leads, and whether aliases have an effect."""

from collections.abc import Sequence

from concert_assets.catalog.canonical import IDENTITY_ALIASES
from concert_assets.catalog.identity import MERGED
from concert_assets.catalog.model import Table
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.audit_rules import SAMPLE_SIZE, Result
from concert_assets.warehousing.identity.merging import MAP, IdleAlias
from concert_assets.warehousing.names import candidate


def merges_lead_to_published(session: Session, table: Table) -> Result:
    """Each id that gave way leads in one step to a published row, and is not published itself."""
    (key,) = table.key
    scope = f"from {MAP} as m left join {candidate(table.name)} as c on c.{key} = m.canonical_id "
    scope += f"left join {candidate(table.name)} as s on s.{key} = m.source_id where m.entity = '{MERGED[table.name]}'"
    broken = f"{scope} and (c.{key} is null or s.{key} is not null)"
    ((total,),) = session.query(f"select count(*) {scope}")
    ((failing,),) = session.query(f"select count(*) {broken}")
    sample = session.query(f"select m.source_id {broken} order by m.source_id limit {SAMPLE_SIZE}")
    return Result(
        table.name,
        "merges_lead_to_published",
        "uniqueness",
        "candidate",
        "error",
        int(failing),
        int(total),
        "an id that gave way leads to a published row and is not published itself",
        tuple(source for (source,) in sample),
    )


def aliases_in_effect(session: Session, idle: Sequence[IdleAlias]) -> Result:
    """No alias is without effect: what it names has come, in one city, and no other alias says the contrary."""
    ((total,),) = session.query(f"select count(*) from {candidate(IDENTITY_ALIASES.name)}")
    return Result(
        IDENTITY_ALIASES.name,
        "aliases_in_effect",
        "referential_integrity",
        "candidate",
        "warning",
        len(idle),
        int(total),
        "what an alias names is known, venues in one city, and no other alias forbids the merge",
        tuple(alias.text for alias in idle[:SAMPLE_SIZE]),
    )
