"""The rules that look at deliveries as wholes: rows conserved, refused or lost, objects unreadable, orders summed."""

from concert_assets.catalog.canonical import BY_NAME, IDENTITY_ALIASES, TABLES
from concert_assets.catalog.identity import MERGE_RULES, MERGED
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.audit_rules import SAMPLE_SIZE, Result
from concert_assets.warehousing.names import STAGED_COUNTS, STAGED_OBJECTS, candidate, staged
from concert_assets.warehousing.resolve import LEDGER, OUTCOMES

# A delivery that brings this many bad rows is more likely a broken file than a file with broken rows.
MOST_REFUSED_SHARE = 0.25
FEWEST_REFUSED_ROWS = 20
# The same for rows that are published already: a few corrections are no accident.
MOST_LOST_SHARE = 0.25
FEWEST_LOST_ROWS = 20


def conservation(session: Session, table: Table) -> Result:
    """Each row that came has exactly one outcome, and as many came as the deliverer stated, object by object."""
    outcomes = "rows_published + rows_rejected + rows_duplicate + rows_superseded + rows_pending + rows_held"
    scope = f"from {LEDGER} where table_name = :table and state in ('live', 'held')"
    parameters = {"table": table.name}
    ((total, failing),) = session.query(
        f"select coalesce(sum(rows_in), 0), coalesce(sum(abs(rows_in - ({outcomes}))), 0) {scope}", parameters
    )
    sample = session.query(
        f"select object_key, rows_in, {outcomes} {scope} and rows_in <> {outcomes} "
        f"order by object_key limit {SAMPLE_SIZE}",
        parameters,
    )
    texts = tuple(f"{key}: {rows} rows in, {outs} outcomes" for key, rows, outs in sample)
    unlike = session.query(
        f"select o.object_key, c.rows_in, c.rows_stated, c.sequence from {STAGED_COUNTS} as c "
        f"inner join {STAGED_OBJECTS} as o on o.object_id = c.object_id and o.sequence = c.sequence "
        "where c.table_name = :table "
        "and o.state = 'live' and c.rows_stated <> c.rows_in order by o.object_key",
        parameters,
    )
    failing += sum(abs(rows - stated) for _, rows, stated, _ in unlike)
    texts += tuple(f"{key}: {rows} rows in, {stated} stated" for key, rows, stated, _ in unlike[:SAMPLE_SIZE])
    culprits = tuple(sorted({int(sequence) for *_, sequence in unlike} - _released(session)))
    text = "each row that came has exactly one outcome, and as many came as were stated"
    return Result(
        table.name,
        "rows_conserved",
        "conservation",
        "candidate",
        "error",
        int(failing),
        int(total),
        text,
        texts,
        culprits,
    )


def refused_share(session: Session, table: Table) -> Result:
    """No delivery brings more refused rows than a file with a few mistakes would.

    Only its rows' own faults count: a row that another delivery's parent makes unfit is not this delivery's fault.
    """
    rows = session.query(
        "select c.sequence, o.delivery, sum(c.rows_rejected), sum(c.rows_in), "
        "max(case when o.is_released then 1 else 0 end) "
        f"from {STAGED_COUNTS} as c inner join {STAGED_OBJECTS} as o on o.object_id = c.object_id "
        "and o.sequence = c.sequence where c.table_name = :table and o.state = 'live' "
        "group by c.sequence, o.delivery order by c.sequence",
        {"table": table.name},
    )
    total = sum(int(row[3]) for row in rows)
    bad = [row for row in rows if row[2] >= FEWEST_REFUSED_ROWS and row[2] > MOST_REFUSED_SHARE * float(row[3])]
    text = f"at most {MOST_REFUSED_SHARE:.0%} of the rows of a delivery are refused"
    sample = tuple(f"delivery {name}: {int(refused):,} of {int(came):,} refused" for _, name, refused, came, _ in bad)
    failing = sum(int(refused) for _, _, refused, *_ in bad)
    return Result(
        table.name,
        "refused_share",
        "validity",
        "candidate",
        "error",
        failing,
        total,
        text,
        sample[:SAMPLE_SIZE],
        tuple(int(sequence) for sequence, *_, is_released in bad if not is_released),
        is_accepted=bool(bad) and all(is_released for *_, is_released in bad),
    )


def row_count(session: Session, table: Table) -> Result:
    """A table into which rows came is not published empty without a word."""
    ((came,),) = session.query(
        f"select coalesce(sum(rows_in), 0) from {LEDGER} where table_name = :table and state = 'live'",
        {"table": table.name},
    )
    ((published,),) = session.query(f"select count(*) from {candidate(table.name)}")
    failing = int(came) if came and not published else 0
    text = "rows are published where rows came"
    return Result(table.name, "rows_published", "row_count", "candidate", "warning", failing, int(came), text)


def oversold(session: Session) -> Result:
    """No concert has more tickets in completed orders than its venue admits: no single order is at fault.

    At fault is what came last of the delivery with which the orders first are too many, the concert and the venue: not
    the orders that came after, and not old orders where a new row of the venue makes its capacity smaller.
    """
    table = BY_NAME["ticket_sales"]
    # A concert at a venue that was merged is held to that venue's own row, where it tells a capacity.
    own = (
        f"select w.venue_id, w.capacity, y.sequence from {staged(BY_NAME['venues'])} as w inner join {OUTCOMES} as x "
        "on x.object_id = w._object_id and x.row_number = w._row_number and x.table_name = 'venues' "
        f"and x.rule = '{MERGE_RULES['venues'].name}' and w.capacity is not null "
        f"inner join {STAGED_OBJECTS} as y on y.object_id = w._object_id and y.state = 'live'"
    )
    tickets = (
        "select s.concert_id, coalesce(m.capacity, v.capacity) as capacity, o.sequence, sum(s.quantity) as tickets, "
        "max(greatest(p.sequence, coalesce(m.sequence, q.sequence))) as parent_sequence "
        f"from {candidate('ticket_sales')} as s inner join {candidate('concerts')} as c on c.concert_id = s.concert_id "
        f"inner join {candidate('venues')} as v on v.venue_id = c.venue_id "
        f"inner join {staged(BY_NAME['concerts'])} as d on d._object_id = c._object_id "
        f"and d._row_number = c._row_number left join ({own}) as m on m.venue_id = d.venue_id "
        f"inner join {STAGED_OBJECTS} as o on o.object_id = s._object_id and o.state = 'live' "
        f"inner join {STAGED_OBJECTS} as p on p.object_id = c._object_id and p.state = 'live' "
        f"inner join {STAGED_OBJECTS} as q on q.object_id = v._object_id and q.state = 'live' "
        "where s.sale_status = 'completed' group by s.concert_id, coalesce(m.capacity, v.capacity), o.sequence"
    )
    running = (
        "select t.concert_id, t.capacity, t.sequence, t.parent_sequence, sum(t.tickets) over "
        f"(partition by t.concert_id order by t.sequence rows unbounded preceding) as so_far from ({tickets}) as t"
    )
    ((total,),) = session.query(f"select count(distinct t.concert_id) from ({tickets}) as t")
    first = session.query(
        "select r.concert_id, min(r.sequence), greatest(min(r.sequence), max(r.parent_sequence)) "
        f"from ({running}) as r where r.so_far > r.capacity group by r.concert_id order by r.concert_id"
    )
    released = _released(session)
    culprits = {int(last) for _, began, last in first if int(began) not in released} - released
    return Result(
        table.name,
        "sales_within_capacity",
        "capacity",
        "candidate",
        "error",
        len(first),
        int(total),
        "the completed orders of a concert hold no more tickets than the venue admits",
        tuple(f"concert {concert}" for concert, *_ in first[:SAMPLE_SIZE]),
        tuple(sorted(culprits)),
        is_accepted=bool(first) and not culprits,
    )


def published_rows_kept(session: Session, table: Table) -> Result:
    """A delivery does not make unfit a good part of what others brought and what is published.

    A venue file with wrong capacities would have the concerts refused and the sales wait for them: each row for a
    reason of its own, and together an empty warehouse. At fault are the deliveries that brought parents since the
    publication.
    """
    text = f"at most {MOST_LOST_SHARE:.0%} of the published rows become unfit through what others deliver"
    if not (session.table_exists(table.qualified) and session.table_exists(PUBLICATIONS.qualified)):
        return Result(table.name, "published_rows_kept", "row_count", "candidate", "error", 0, 0, text)
    ((total,),) = session.query(f"select count(*) from {table.qualified}")
    ((lost,),) = session.query(
        f"select count(*) from {table.qualified} as t inner join {OUTCOMES} as x on x.table_name = :table "
        "and x.object_id = t._object_id and x.row_number = t._row_number and x.outcome in ('rejected', 'pending')",
        {"table": table.name},
    )
    parents = _ancestors(table)
    names = ", ".join(f"'{parent.name}'" for parent in parents) or "''"
    newer = session.query(
        f"select distinct o.sequence from {STAGED_OBJECTS} as o inner join {STAGED_COUNTS} as c "
        f"on c.object_id = o.object_id and c.sequence = o.sequence and c.rows_in > 0 and c.table_name in ({names}) "
        f"where o.state = 'live' and o.sequence > (select max(position) from {PUBLICATIONS.qualified}) "
        "order by o.sequence"
    )
    is_much = lost >= FEWEST_LOST_ROWS and lost > MOST_LOST_SHARE * total
    arrived = {int(sequence) for (sequence,) in newer}
    if any(_has_retracted(session, parent) for parent in parents):
        arrived = set()
    culprits = arrived - _released(session)
    # Without new parents it is a retraction or new rules that had the effect, and that is meant.
    return Result(
        table.name,
        "published_rows_kept",
        "row_count",
        "candidate",
        "error" if arrived else "warning",
        int(lost) if is_much else 0,
        int(total),
        text,
        (),
        tuple(sorted(culprits)) if is_much else (),
        is_accepted=is_much and bool(arrived) and not culprits,
    )


def _ancestors(table: Table) -> list[Table]:
    """The tables that rows of a table depend on, at any distance: also aliases, which lead a fact to another parent."""
    found: list[Table] = []
    for reference in table.references:
        parent = BY_NAME[reference.table]
        aliases = [IDENTITY_ALIASES] if parent.name in MERGED else []
        found += [item for item in (parent, *aliases, *_ancestors(parent)) if item not in found]
    return found


def _has_retracted(session: Session, table: Table) -> bool:
    """Whether rows are still published that a retraction has taken back since."""
    return session.table_exists(table.qualified) and bool(
        session.query(
            f"select 1 from {table.qualified} as t inner join {STAGED_OBJECTS} as o on o.object_id = t._object_id "
            "and o.state = 'retracted' limit 1"
        )
    )


def objects_readable(session: Session, table: Table) -> Result:
    """Every live delivery brings an object that can be read; one that brings none must not replace one that did.

    An object that names no table, or one that nobody knows, is told of with the concerts.
    """
    known = ", ".join(f"'{item.name}'" for item in TABLES)
    several = f"or o.table_name not in ({known})" if table.name == "concerts" else ""
    rows = session.query(
        "select o.sequence, max(o.delivery), max(o.note), max(case when o.is_released then 1 else 0 end) "
        f"from {STAGED_OBJECTS} as o where o.table_name = :table {several} group by o.sequence "
        "having sum(case when o.state = 'refused' then 1 else 0 end) = count(*) order by o.sequence",
        {"table": table.name},
    )
    ((total,),) = session.query(
        f"select count(*) from {STAGED_OBJECTS} as o where (o.table_name = :table {several}) "
        "and o.state in ('live', 'refused')",
        {"table": table.name},
    )
    culprits = tuple(int(sequence) for sequence, _, _, is_released in rows if not is_released)
    return Result(
        table.name,
        "objects_readable",
        "validity",
        "candidate",
        "error",
        len(rows),
        int(total),
        "every delivery brings an object that can be read",
        tuple(f"delivery {name}: {note}" for _, name, note, _ in rows[:SAMPLE_SIZE]),
        culprits,
        is_accepted=bool(rows) and not culprits,
    )


def _released(session: Session) -> set[int]:
    return {int(s) for (s,) in session.query(f"select distinct sequence from {STAGED_OBJECTS} where is_released")}
