-- One row per venue and quarterly snapshot, as known at the start of the snapshot's day. Snapshots lie 91 days apart,
-- counted back from :as_of; a year is 364 days, four snapshots. Rows begin one year after the first completed show.
-- score = 100 * (0.4 * utilisation + 0.3 * revenue rank + 0.3 * bookings rank), over the completed shows of one year:
--   utilisation is tickets sold / capacity offered, over the shows that have both; 0 without shows;
--   the ranks are percent ranks, 0 to 1, of summed revenue and of the number of shows among the snapshot's venues.
-- A venue belongs to a snapshot once a show of it has been announced; the snapshot at :as_of holds every venue.
-- A venue with shows in a year but none whose tickets, capacity and revenue are all known has no score for it.
-- target_score is the score of the year that begins at the snapshot, null until that year lies before :as_of.
-- What a venue may expect is drawn towards the venues of its type, as if two shows of theirs were its own:
--   further shows = yearly rate of its past * the share of a year's shows that its type announces within that year;
--   expected shows = announced shows + further shows; and expected_score is the score of what is expected.
with digit as (
    select 0 as n union all select 1 union all select 2 union all select 3 union all select 4
    union all select 5 union all select 6 union all select 7 union all select 8 union all select 9
),

show as (
    select
        c.concert_id,
        c.venue_id,
        datediff(day, date '1970-01-01', cast(c.event_date as date)) as event_day,
        datediff(
            day,
            date '1970-01-01',
            coalesce(c.on_sale_date, cast(dateadd(day, -60, cast(c.event_date as date)) as date))
        ) as announced_day,
        case when c.status = 'completed' and cast(c.event_date as date) < cast(:as_of as date) then 1 else 0 end
            as is_held,
        case
            when c.tickets_sold is not null and v.capacity is not null and c.revenue is not null then 1 else 0
        end as is_counted,
        c.tickets_sold,
        v.capacity,
        c.revenue
    from concert_dw.concerts as c
    inner join concert_dw.venues as v on c.venue_id = v.venue_id
),

history as (
    select min(s.event_day) as first_day
    from show as s
    where s.is_held = 1
),

-- Forty snapshots are ten years. ("snapshot" itself is a reserved word in Redshift.)
quarter as (
    select
        10 * tens.n + ones.n as quarters_ago,
        datediff(day, date '1970-01-01', cast(:as_of as date)) - 91 * (10 * tens.n + ones.n) as snapshot_day,
        cast(
            datediff(day, date '1970-01-01', cast(:as_of as date)) - 91 * (10 * tens.n + ones.n) - h.first_day
            as double precision
        ) / 364 as past_years
    from digit as tens
    cross join digit as ones
    cross join history as h
    where
        tens.n < 4
        and (
            10 * tens.n + ones.n = 0
            or datediff(day, date '1970-01-01', cast(:as_of as date)) - 91 * (10 * tens.n + ones.n) >= h.first_day + 364
        )
),

-- 'before' is the year up to the snapshot, 'after' the year that begins at it.
placed as (
    select
        q.snapshot_day,
        s.venue_id,
        case
            when s.event_day >= q.snapshot_day + 364 then 'later'
            when s.event_day >= q.snapshot_day then 'after'
            when s.event_day >= q.snapshot_day - 364 then 'before'
            else 'earlier'
        end as period,
        case when s.event_day < q.snapshot_day then s.is_held else 0 end as is_past,
        case when s.event_day < q.snapshot_day then s.is_held * s.is_counted else 0 end as is_past_counted,
        case when s.announced_day < q.snapshot_day then 1 else 0 end as is_announced,
        case when s.announced_day < q.snapshot_day - 364 then 1 else 0 end as was_announced,
        s.is_held,
        s.is_held * s.is_counted as is_counted,
        s.tickets_sold,
        s.capacity,
        s.revenue
    from quarter as q
    cross join show as s
),

total as (
    select
        p.snapshot_day,
        p.venue_id,
        max(p.is_announced) as is_known,
        sum(p.is_past) as past_shows,
        sum(p.is_past_counted) as past_counted,
        sum(case when p.is_past_counted = 1 then p.tickets_sold else 0 end) as past_tickets,
        sum(case when p.is_past_counted = 1 then p.capacity else 0 end) as past_offered,
        sum(case when p.is_past_counted = 1 then p.revenue else 0 end) as past_revenue,
        sum(case when p.period = 'before' then p.is_held else 0 end) as before_shows,
        sum(case when p.period = 'before' then p.is_held * p.was_announced else 0 end) as before_announced,
        sum(case when p.period = 'before' then p.is_counted else 0 end) as before_counted,
        sum(case when p.period = 'before' and p.is_counted = 1 then p.tickets_sold else 0 end) as before_tickets,
        sum(case when p.period = 'before' and p.is_counted = 1 then p.capacity else 0 end) as before_offered,
        sum(case when p.period = 'before' and p.is_counted = 1 then p.revenue else 0 end) as before_revenue,
        sum(case when p.period = 'after' then p.is_announced else 0 end) as announced_shows,
        sum(case when p.period = 'after' then p.is_held else 0 end) as after_shows,
        sum(case when p.period = 'after' then p.is_counted else 0 end) as after_counted,
        sum(case when p.period = 'after' and p.is_counted = 1 then p.tickets_sold else 0 end) as after_tickets,
        sum(case when p.period = 'after' and p.is_counted = 1 then p.capacity else 0 end) as after_offered,
        sum(case when p.period = 'after' and p.is_counted = 1 then p.revenue else 0 end) as after_revenue
    from placed as p
    group by p.snapshot_day, p.venue_id
),

grid as (
    select
        q.snapshot_day,
        q.quarters_ago,
        q.past_years,
        v.venue_id,
        v.venue_type,
        v.capacity,
        v.city || '/' || coalesce(v.state, '') || '/' || coalesce(v.country, '') as city_key,
        coalesce(t.past_shows, 0) as past_shows,
        coalesce(t.past_counted, 0) as past_counted,
        coalesce(t.past_tickets, 0) as past_tickets,
        coalesce(t.past_offered, 0) as past_offered,
        coalesce(t.past_revenue, 0) as past_revenue,
        coalesce(t.before_shows, 0) as before_shows,
        coalesce(t.before_announced, 0) as before_announced,
        coalesce(t.before_tickets, 0) as before_tickets,
        coalesce(t.before_offered, 0) as before_offered,
        coalesce(t.before_revenue, 0) as before_revenue,
        coalesce(t.announced_shows, 0) as announced_shows,
        coalesce(t.after_shows, 0) as after_shows,
        coalesce(t.after_tickets, 0) as after_tickets,
        coalesce(t.after_offered, 0) as after_offered,
        coalesce(t.after_revenue, 0) as after_revenue,
        case when coalesce(t.before_shows, 0) = 0 or t.before_counted > 0 then 1 else 0 end as has_before_score,
        case
            when q.quarters_ago >= 4 and (coalesce(t.after_shows, 0) = 0 or t.after_counted > 0) then 1
            else 0
        end as has_after_score
    from quarter as q
    cross join concert_dw.venues as v
    left join total as t on q.snapshot_day = t.snapshot_day and v.venue_id = t.venue_id
    where q.quarters_ago = 0 or t.is_known = 1
),

-- The venues of the same snapshot and type; of all types where a type has no past.
kind as (
    select
        g.snapshot_day,
        g.venue_type,
        count(*) as venues,
        sum(g.past_shows) as shows,
        sum(g.past_counted) as counted,
        sum(g.past_tickets) as tickets,
        sum(g.past_offered) as offered,
        sum(g.past_revenue) as revenue,
        sum(g.before_shows) as year_shows,
        sum(g.before_announced) as year_announced
    from grid as g
    group by g.snapshot_day, g.venue_type
),

peers as (
    select
        k.snapshot_day,
        k.venue_type,
        cast(k.shows as double precision) / k.venues as venue_shows,
        case
            when k.offered > 0 then cast(k.tickets as double precision) / k.offered
            else cast(sum(k.tickets) over (partition by k.snapshot_day) as double precision)
                / nullif(sum(k.offered) over (partition by k.snapshot_day), 0)
        end as utilisation,
        case
            when k.offered > 0 then cast(k.revenue as double precision) / k.offered
            else cast(sum(k.revenue) over (partition by k.snapshot_day) as double precision)
                / nullif(sum(k.offered) over (partition by k.snapshot_day), 0)
        end as seat_revenue,
        case
            when k.year_shows > 0 then 1 - cast(k.year_announced as double precision) / k.year_shows
            else 1
        end as unannounced_share
    from kind as k
),

expected as (
    select
        g.snapshot_day,
        g.venue_id,
        p.unannounced_share * (g.past_shows + 2) / (g.past_years * (1 + 2 / nullif(p.venue_shows, 0)))
            as further_shows,
        case
            when g.capacity is not null
                then (g.past_tickets + 2 * g.capacity * p.utilisation) / (g.past_offered + 2 * g.capacity)
            else p.utilisation
        end as utilisation,
        case
            when g.capacity is not null
                then (g.past_revenue + 2 * g.capacity * p.seat_revenue) / (g.past_counted + 2)
        end as show_revenue
    from grid as g
    inner join peers as p
        on g.snapshot_day = p.snapshot_day and coalesce(g.venue_type, '') = coalesce(p.venue_type, '')
),

ranked as (
    select
        g.*,
        e.utilisation as show_utilisation,
        e.show_revenue,
        g.announced_shows + e.further_shows as expected_shows,
        -- A show at least: certain where one is announced, else of a number that is spread twofold as wide as by chance.
        case
            when g.announced_shows > 0 then e.utilisation
            else e.utilisation * (1 - 4 / ((2 + e.further_shows) * (2 + e.further_shows)))
        end as expected_utilisation,
        percent_rank() over (
            partition by g.snapshot_day order by coalesce(g.announced_shows + e.further_shows, 0)
        ) as expected_shows_rank,
        percent_rank() over (
            partition by g.snapshot_day
            order by coalesce((g.announced_shows + e.further_shows) * e.show_revenue, 0)
        ) as expected_revenue_rank,
        percent_rank() over (partition by g.snapshot_day order by coalesce(e.show_revenue, 0)) as show_revenue_rank,
        case when g.before_offered > 0 then cast(g.before_tickets as double precision) / g.before_offered else 0 end
            as before_utilisation,
        case when g.after_offered > 0 then cast(g.after_tickets as double precision) / g.after_offered else 0 end
            as after_utilisation,
        percent_rank() over (partition by g.snapshot_day, g.has_before_score order by g.before_revenue)
            as before_revenue_rank,
        percent_rank() over (partition by g.snapshot_day, g.has_before_score order by g.before_shows)
            as before_shows_rank,
        percent_rank() over (partition by g.snapshot_day, g.has_after_score order by g.after_revenue)
            as after_revenue_rank,
        percent_rank() over (partition by g.snapshot_day, g.has_after_score order by g.after_shows)
            as after_shows_rank,
        sum(g.before_shows) over (partition by g.snapshot_day, g.city_key) as city_shows
    from grid as g
    inner join expected as e on g.snapshot_day = e.snapshot_day and g.venue_id = e.venue_id
)

select
    cast(r.venue_id as varchar(64)) as venue_id,
    cast(r.snapshot_day as integer) as snapshot_day,
    cast(r.snapshot_day + 364 as integer) as target_end_day,
    cast(r.venue_type as varchar(16)) as venue_type,
    cast(r.capacity as integer) as capacity,
    cast(case when r.city_key is not null then r.city_shows end as integer) as city_year_shows,
    cast(r.announced_shows as integer) as announced_shows,
    cast(r.past_shows as integer) as past_shows,
    cast(r.before_shows as integer) as year_shows,
    cast(r.show_utilisation as double precision) as show_utilisation,
    cast(r.show_revenue_rank as double precision) as show_revenue_rank,
    cast(r.expected_shows as double precision) as expected_shows,
    cast(r.expected_shows_rank as double precision) as expected_shows_rank,
    cast(r.expected_revenue_rank as double precision) as expected_revenue_rank,
    cast(r.expected_utilisation as double precision) as expected_utilisation,
    cast(
        100 * (0.4 * r.expected_utilisation + 0.3 * r.expected_revenue_rank + 0.3 * r.expected_shows_rank)
        as double precision
    ) as expected_score,
    cast(case when r.past_shows = 0 then 1 else 0 end as integer) as is_venue_new,
    cast(
        case
            when r.has_before_score = 1
                then 100 * (0.4 * r.before_utilisation + 0.3 * r.before_revenue_rank + 0.3 * r.before_shows_rank)
        end as double precision
    ) as year_score,
    cast(r.after_shows as integer) as target_shows,
    cast(
        case
            when r.has_after_score = 1
                then 100 * (0.4 * r.after_utilisation + 0.3 * r.after_revenue_rank + 0.3 * r.after_shows_rank)
        end as double precision
    ) as target_score,
    cast(case when r.after_offered > 0 or r.before_offered > 0 then 1 else 0 end as integer) as has_sales
from ranked as r
