-- One row per concert whose result is known or is still to come, with what was known at its cut-off: the start of the
-- day its tickets went on sale (60 days before the show where that is unknown), or :as_of where that is earlier.
-- Facts dated on or after the cut-off do not enter. Dimensions (capacity, type, popularity) are as delivered.
-- Days are counted from 1970-01-01. Running sums are of whole numbers, so that their order cannot change a bit.
with price as (
    select
        p.concert_id,
        cast(floor(cast(sum(floor(p.face_value * 100)) as double precision) / count(*)) as bigint) as mean_cents,
        cast(floor(min(p.face_value) * 100) as bigint) as min_cents,
        cast(floor(max(p.face_value) * 100) as bigint) as max_cents
    from concert_dw.ticket_prices as p
    group by p.concert_id
),

dated as (
    select
        c.concert_id,
        c.artist_id,
        c.venue_id,
        c.status,
        c.tickets_sold,
        v.capacity,
        v.venue_type,
        a.primary_genre,
        a.popularity_score,
        v.city || '/' || coalesce(v.state, '') || '/' || coalesce(v.country, '') as city_key,
        cast(c.event_date as date) as event_date,
        cast(coalesce(c.on_sale_date, dateadd(day, -60, cast(c.event_date as date))) as date) as announced_date,
        case when c.on_sale_date is null then 1 else 0 end as is_on_sale_unknown,
        p.mean_cents,
        p.min_cents,
        p.max_cents
    from concert_dw.concerts as c
    inner join concert_dw.venues as v on c.venue_id = v.venue_id
    inner join concert_dw.artists as a on c.artist_id = a.artist_id
    left join price as p on c.concert_id = p.concert_id
),

show as (
    select
        d.*,
        datediff(day, date '1970-01-01', d.event_date) as event_day,
        datediff(day, date '1970-01-01', d.announced_date) as announced_day,
        datediff(day, date '1970-01-01', least(d.announced_date, cast(:as_of as date))) as cutoff_day,
        -- 1601-01-01 was a Monday: 0 is Monday, 6 Sunday.
        datediff(day, date '1601-01-01', d.event_date) % 7 as weekday,
        d.city_key || '/' || cast(
            datediff(day, date '1601-01-01', d.event_date) - datediff(day, date '1601-01-01', d.event_date) % 7
            as varchar(16)
        ) as city_week_key,
        case
            when d.status = 'completed' and d.event_date < cast(:as_of as date) and d.tickets_sold is not null
                then 1
            else 0
        end as is_result_known
    from dated as d
),

wanted as (
    select s.*
    from show as s
    where
        s.is_result_known = 1
        or (s.status = 'scheduled' and s.event_date >= cast(:as_of as date))
),

result as (
    select
        s.*,
        case when s.capacity is not null then 1 else 0 end as has_share,
        case
            when s.capacity is not null
                then cast(floor(cast(s.tickets_sold as double precision) * 10000 / s.capacity) as bigint)
            else 0
        end as share_bp,
        case when s.tickets_sold >= s.capacity then 1 else 0 end as is_sold_out,
        case when s.mean_cents is not null then 1 else 0 end as has_price
    from show as s
    where s.is_result_known = 1
),

fact as (
    select 'artist' as scope, r.artist_id as scope_key, r.* from result as r
    union all
    select 'venue' as scope, r.venue_id as scope_key, r.* from result as r
    union all
    select 'city' as scope, r.city_key as scope_key, r.* from result as r
    union all
    select 'type' as scope, r.venue_type as scope_key, r.* from result as r
),

-- Turn 0 asks, turn 1 tells: on one day every question comes before the day's facts.
-- A fact is told on the day of the show and taken back from the trailing year 365 days later.
tick as (
    select
        f.scope, f.scope_key, f.event_day as on_day, 1 as turn, '' as concert_id,
        1 as shows, f.tickets_sold as tickets, f.has_share as shares, f.share_bp, f.is_sold_out as sold_out,
        f.has_price as prices, coalesce(f.mean_cents, 0) as cents,
        f.has_share as year_shares, f.share_bp as year_share_bp, 1 as year_shows
    from fact as f
    union all
    select
        f.scope, f.scope_key, f.event_day + 365 as on_day, 1 as turn, '' as concert_id,
        0 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        -f.has_share as year_shares, -f.share_bp as year_share_bp, -1 as year_shows
    from fact as f
    union all
    -- A show competes from the day it is announced; whether it was cancelled later is not known yet.
    select
        'city_week' as scope, s.city_week_key as scope_key, s.announced_day as on_day, 1 as turn, '' as concert_id,
        1 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        0 as year_shares, 0 as year_share_bp, 0 as year_shows
    from show as s
    union all
    select
        q.scope, q.scope_key, q.cutoff_day as on_day, 0 as turn, q.concert_id,
        0 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        0 as year_shares, 0 as year_share_bp, 0 as year_shows
    from (
        select 'artist' as scope, w.artist_id as scope_key, w.cutoff_day, w.concert_id from wanted as w
        union all
        select 'venue' as scope, w.venue_id as scope_key, w.cutoff_day, w.concert_id from wanted as w
        union all
        select 'city' as scope, w.city_key as scope_key, w.cutoff_day, w.concert_id from wanted as w
        union all
        select 'type' as scope, w.venue_type as scope_key, w.cutoff_day, w.concert_id from wanted as w
        union all
        select 'city_week' as scope, w.city_week_key as scope_key, w.cutoff_day, w.concert_id from wanted as w
    ) as q
),

running as (
    select
        t.scope,
        t.turn,
        t.concert_id,
        cast(sum(t.shows) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as shows,
        cast(sum(t.tickets) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as tickets,
        cast(sum(t.shares) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as shares,
        cast(sum(t.share_bp) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as share_bp,
        cast(sum(t.sold_out) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as sold_out,
        cast(sum(t.prices) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as prices,
        cast(sum(t.cents) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as cents,
        cast(sum(t.year_shares) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as year_shares,
        cast(sum(t.year_share_bp) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as year_share_bp,
        cast(sum(t.year_shows) over (
            partition by t.scope, t.scope_key order by t.on_day, t.turn
            rows between unbounded preceding and current row
        ) as bigint) as year_shows
    from tick as t
    where t.scope_key is not null
),

answer as (
    select
        r.scope,
        r.concert_id,
        r.shows,
        r.year_shows,
        r.sold_out,
        case when r.shows > 0 then cast(r.tickets as double precision) / r.shows end as mean_tickets,
        case when r.shares > 0 then cast(r.share_bp as double precision) / (10000 * r.shares) end as sell_through,
        case when r.shares > 0 then cast(r.sold_out as double precision) / r.shares end as sold_out_share,
        case when r.prices > 0 then cast(r.cents as double precision) / (100 * r.prices) end as price_usd,
        case
            when r.year_shares > 0 then cast(r.year_share_bp as double precision) / (10000 * r.year_shares)
        end as year_sell_through
    from running as r
    where r.turn = 0
)

select
    cast(w.concert_id as varchar(64)) as concert_id,
    cast(w.status as varchar(16)) as status,
    cast(w.event_day as integer) as event_day,
    cast(w.cutoff_day as integer) as cutoff_day,
    cast(w.tickets_sold as integer) as tickets_sold,
    cast(w.capacity as integer) as capacity,
    cast(w.venue_type as varchar(16)) as venue_type,
    cast(w.primary_genre as varchar(64)) as primary_genre,
    cast(w.popularity_score as double precision) as artist_popularity,
    cast(w.weekday as integer) as weekday,
    cast(extract(month from w.event_date) as integer) as event_month,
    cast(floor((cast(extract(month from w.event_date) as integer) % 12) / 3.0) as integer) as season,
    cast(w.event_day - w.announced_day as integer) as on_sale_days,
    cast(w.is_on_sale_unknown as integer) as is_on_sale_unknown,
    cast(cast(w.mean_cents as double precision) / 100 as double precision) as mean_face_value_usd,
    cast(cast(w.min_cents as double precision) / 100 as double precision) as min_face_value_usd,
    cast(cast(w.max_cents as double precision) / 100 as double precision) as max_face_value_usd,
    cast(coalesce(artist.shows, 0) as integer) as artist_past_shows,
    cast(artist.mean_tickets as double precision) as artist_past_tickets,
    cast(artist.sell_through as double precision) as artist_past_sell_through,
    cast(artist.year_sell_through as double precision) as artist_year_sell_through,
    cast(artist.sold_out_share as double precision) as artist_sold_out_share,
    cast(artist.price_usd as double precision) as artist_past_price_usd,
    cast(artist.mean_tickets / w.capacity as double precision) as artist_past_tickets_to_capacity,
    cast(coalesce(venue.shows, 0) as integer) as venue_past_shows,
    cast(coalesce(venue.year_shows, 0) as integer) as venue_year_shows,
    cast(venue.sell_through as double precision) as venue_past_sell_through,
    cast(venue.year_sell_through as double precision) as venue_year_sell_through,
    cast(venue.price_usd as double precision) as venue_past_price_usd,
    cast(coalesce(city.year_shows, 0) as integer) as city_year_shows,
    cast(city.sell_through as double precision) as city_past_sell_through,
    cast(kind.sell_through as double precision) as type_past_sell_through,
    cast(cast(w.mean_cents as double precision) / 100 / nullif(kind.price_usd, 0) as double precision)
        as price_to_type,
    cast(coalesce(rival.shows, 0) as integer) as competing_shows,
    cast(case when coalesce(artist.shows, 0) = 0 then 1 else 0 end as integer) as is_artist_new,
    cast(case when coalesce(venue.shows, 0) = 0 then 1 else 0 end as integer) as is_venue_new
from wanted as w
left join answer as artist on w.concert_id = artist.concert_id and artist.scope = 'artist'
left join answer as venue on w.concert_id = venue.concert_id and venue.scope = 'venue'
left join answer as city on w.concert_id = city.concert_id and city.scope = 'city'
left join answer as kind on w.concert_id = kind.concert_id and kind.scope = 'type'
left join answer as rival on w.concert_id = rival.concert_id and rival.scope = 'city_week'
