-- One row per concert and horizon, with what was known at the row's cut-off, the start of a day. Facts dated on or
-- after the cut-off do not enter; dimensions (capacity, type, popularity) are as delivered. The horizons:
--   announcement     the day the tickets went on sale, or 60 days before the show where that is unknown;
--   60, 30, 14, 7, 1 so many days before the show, where that is after its announcement;
--   now              :as_of, for each concert that is still to come; its result is not known.
-- Concerts with a known result have the others, where the cut-off is not after :as_of.
-- Strength is what an act draws: 10,000 * ln(tickets), a sold-out house taken for 15 % more, plus 10,000 * ln of the
-- price over what is usual in that kind of venue, since who asks more draws fewer. Surprise is a show's strength over
-- what its artist's earlier shows and the rooms booked let expect; fair strength is strength without the venue's mean
-- surprise.
-- Days are counted from 1970-01-01. Running sums are of whole numbers, so that their order cannot change a bit.
-- In each tick, turn 0 is what the question may see of its own day (bookings), turn 1 asks and turn 2 tells: on one day
-- every question comes before the day's results. What counts for one or two years is taken back after 365 or 730 days.
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
        v.country,
        a.primary_genre,
        a.popularity_score,
        v.city || '/' || coalesce(v.state, '') || '/' || coalesce(v.country, '') as city_key,
        cast(c.event_date as date) as event_date,
        -- People choose by the day at the venue: an evening in Chicago is the next day in UTC.
        cast(
            case
                when c.has_event_time and c.event_timezone is not null
                    then convert_timezone('UTC', c.event_timezone, c.event_date)
                else c.event_date
            end as date
        ) as local_date,
        -- A morning in Sydney is the day before in UTC: what goes on sale that day is announced before it is known.
        least(
            cast(coalesce(c.on_sale_date, dateadd(day, -60, cast(c.event_date as date))) as date),
            cast(c.event_date as date)
        ) as announced_date,
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
        -- 1601-01-01 was a Monday: 0 is Monday, 6 Sunday.
        datediff(day, date '1601-01-01', d.local_date) % 7 as weekday,
        d.city_key || '/' || cast(
            datediff(day, date '1601-01-01', d.local_date) - datediff(day, date '1601-01-01', d.local_date) % 7
            as varchar(16)
        ) as city_week_key,
        case when d.capacity > 0 then cast(floor(ln(d.capacity) * 10000) as bigint) end as room,
        case
            when d.status = 'completed' and d.event_date < cast(:as_of as date) and d.tickets_sold is not null
                then 1
            else 0
        end as is_result_known
    from dated as d
),

-- Tickets of the delivered orders by the days that were left, whatever became of the orders later.
paced as (
    select
        s.concert_id,
        sum(s.quantity) as ledger_tickets,
        sum(case when cast(s.purchase_timestamp as date) < dateadd(day, -60, w.event_date) then s.quantity else 0 end)
            as tickets_before_60,
        sum(case when cast(s.purchase_timestamp as date) < dateadd(day, -30, w.event_date) then s.quantity else 0 end)
            as tickets_before_30,
        sum(case when cast(s.purchase_timestamp as date) < dateadd(day, -14, w.event_date) then s.quantity else 0 end)
            as tickets_before_14,
        sum(case when cast(s.purchase_timestamp as date) < dateadd(day, -7, w.event_date) then s.quantity else 0 end)
            as tickets_before_7,
        sum(case when cast(s.purchase_timestamp as date) < dateadd(day, -1, w.event_date) then s.quantity else 0 end)
            as tickets_before_1,
        sum(case when cast(s.purchase_timestamp as date) < cast(:as_of as date) then s.quantity else 0 end)
            as tickets_before_now
    from concert_dw.ticket_sales as s
    inner join show as w on s.concert_id = w.concert_id
    group by s.concert_id
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
        case when s.mean_cents is not null then 1 else 0 end as has_price,
        coalesce(p.ledger_tickets, 0) as ledger_tickets,
        coalesce(p.tickets_before_60, 0) as tickets_before_60,
        coalesce(p.tickets_before_30, 0) as tickets_before_30,
        coalesce(p.tickets_before_14, 0) as tickets_before_14,
        coalesce(p.tickets_before_7, 0) as tickets_before_7,
        coalesce(p.tickets_before_1, 0) as tickets_before_1
    from show as s
    left join paced as p on s.concert_id = p.concert_id
    where s.is_result_known = 1
),

type_price_tick as (
    select
        r.venue_type as scope_key, r.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        r.has_price as prices, coalesce(r.mean_cents, 0) as cents
    from result as r
    where r.venue_type is not null
    union all
    select
        r.venue_type as scope_key, r.announced_day as on_day, 1 as turn, r.concert_id as concert_id, '' as horizon,
        0 as prices, 0 as cents
    from result as r
    where r.venue_type is not null
),
type_price as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.prices) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as prices,
        cast(sum(t.cents) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as cents
    from type_price_tick as t
),
measured as (
    select
        r.*,
        cast(floor(ln(greatest(r.tickets_sold, 1)) * 10000) as bigint)
        + 1500 * r.is_sold_out
        + case
            when r.mean_cents > 0 and t.cents > 0
                then greatest(least(
                    cast(floor(ln(cast(r.mean_cents as double precision) * t.prices / t.cents) * 10000) as bigint),
                    6000
                ), -6000)
            else 0
        end as strength
    from result as r
    left join type_price as t on r.concert_id = t.concert_id and t.turn = 1
),

expectation_tick as (
    select
        m.artist_id as scope_key, m.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        1 as two_year_shows, 1 as shows, m.strength as two_year_strength, m.strength as strength, 0 as rooms,
        0 as room
    from measured as m
    union all
    select
        m.artist_id as scope_key, m.event_day + 730 as on_day, 2 as turn, '' as concert_id, '' as horizon,
        -1 as two_year_shows, 0 as shows, -m.strength as two_year_strength, 0 as strength, 0 as rooms, 0 as room
    from measured as m
    union all
    select
        s.artist_id as scope_key, s.announced_day as on_day, 0 as turn, '' as concert_id, '' as horizon,
        0 as two_year_shows, 0 as shows, 0 as two_year_strength, 0 as strength, 1 as rooms, s.room as room
    from show as s
    where s.room is not null
    union all
    select
        m.artist_id as scope_key, m.announced_day as on_day, 1 as turn, m.concert_id as concert_id, '' as horizon,
        0 as two_year_shows, 0 as shows, 0 as two_year_strength, 0 as strength, 0 as rooms, 0 as room
    from measured as m
),
expectation as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.two_year_shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as two_year_shows,
        cast(sum(t.shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shows,
        cast(sum(t.two_year_strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as two_year_strength,
        cast(sum(t.strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as strength,
        cast(sum(t.rooms) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as rooms,
        cast(sum(t.room) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as room
    from expectation_tick as t
),
-- Shows of the last two years count once and a half, the rooms booked as one show that sold 60 % (a log of -0.5).
surprising as (
    select
        m.*,
        case
            when e.shows + e.rooms > 0
                then m.strength - cast(floor(
                    (
                        e.two_year_strength + 0.5 * e.strength
                        + case when e.rooms > 0 then cast(e.room as double precision) / e.rooms - 5000 else 0 end
                    )
                    / (e.two_year_shows + 0.5 * e.shows + case when e.rooms > 0 then 1 else 0 end)
                ) as bigint)
        end as surprise
    from measured as m
    left join expectation as e on m.concert_id = e.concert_id and e.turn = 1
),

venue_surprise_tick as (
    select
        g.venue_id as scope_key, g.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        1 as surprises, g.surprise as surprise
    from surprising as g
    where g.surprise is not null
    union all
    select
        g.venue_id as scope_key, g.announced_day as on_day, 1 as turn, g.concert_id as concert_id, '' as horizon,
        0 as surprises, 0 as surprise
    from surprising as g
),
venue_surprise as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.surprises) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as surprises,
        cast(sum(t.surprise) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as surprise
    from venue_surprise_tick as t
),
-- A venue's mean surprise is drawn towards none as if four more shows had brought none.
fact as (
    select
        g.concert_id,
        g.artist_id,
        g.venue_id,
        g.city_key,
        g.venue_type,
        g.event_day,
        g.tickets_sold,
        g.has_share,
        g.share_bp,
        g.is_sold_out,
        g.has_price,
        g.mean_cents,
        g.ledger_tickets,
        g.tickets_before_60,
        g.tickets_before_30,
        g.tickets_before_14,
        g.tickets_before_7,
        g.tickets_before_1,
        g.strength,
        g.strength - cast(floor(cast(v.surprise as double precision) / (v.surprises + 4)) as bigint) as fair_strength,
        case when g.surprise is not null then 1 else 0 end as has_surprise,
        coalesce(g.surprise, 0) as surprise
    from surprising as g
    inner join venue_surprise as v on g.concert_id = v.concert_id and v.turn = 1
),

question as (
    select s.*, 'announcement' as horizon, s.announced_day as cutoff_day
    from show as s
    where s.is_result_known = 1 and s.announced_date <= cast(:as_of as date)
    union all
    select s.*, h.horizon, s.event_day - h.days as cutoff_day
    from show as s
    cross join (
        select '60' as horizon, 60 as days union all select '30', 30 union all select '14', 14
        union all select '7', 7 union all select '1', 1
    ) as h
    where s.is_result_known = 1 and s.event_day - h.days > s.announced_day
    union all
    select s.*, 'now' as horizon, datediff(day, date '1970-01-01', cast(:as_of as date)) as cutoff_day
    from show as s
    where s.status = 'scheduled' and s.event_date >= cast(:as_of as date)
),

artist_tick as (
    select
        f.artist_id as scope_key, f.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        1 as shows, f.tickets_sold as tickets, f.has_share as shares, f.share_bp as share_bp,
        f.is_sold_out as sold_out, f.has_price as prices, coalesce(f.mean_cents, 0) as cents,
        f.strength as strength, f.fair_strength as fair_strength, f.event_day as days,
        f.event_day * f.event_day as days_squared, f.strength * f.event_day as strength_days,
        f.fair_strength * f.event_day as fair_strength_days, 1 as year_shows, f.tickets_sold as year_tickets,
        f.has_share as year_shares, f.share_bp as year_share_bp, f.is_sold_out as year_sold_out,
        f.strength as year_strength, 1 as two_year_shows, f.strength as two_year_strength,
        f.fair_strength as two_year_fair_strength, 0 as rooms, 0 as room
    from fact as f
    union all
    select
        f.artist_id as scope_key, f.event_day + 365 as on_day, 2 as turn, '' as concert_id, '' as horizon,
        0 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        0 as strength, 0 as fair_strength, 0 as days, 0 as days_squared, 0 as strength_days,
        0 as fair_strength_days, -1 as year_shows, -f.tickets_sold as year_tickets, -f.has_share as year_shares,
        -f.share_bp as year_share_bp, -f.is_sold_out as year_sold_out, -f.strength as year_strength,
        0 as two_year_shows, 0 as two_year_strength, 0 as two_year_fair_strength, 0 as rooms, 0 as room
    from fact as f
    union all
    select
        f.artist_id as scope_key, f.event_day + 730 as on_day, 2 as turn, '' as concert_id, '' as horizon,
        0 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        0 as strength, 0 as fair_strength, 0 as days, 0 as days_squared, 0 as strength_days,
        0 as fair_strength_days, 0 as year_shows, 0 as year_tickets, 0 as year_shares, 0 as year_share_bp,
        0 as year_sold_out, 0 as year_strength, -1 as two_year_shows, -f.strength as two_year_strength,
        -f.fair_strength as two_year_fair_strength, 0 as rooms, 0 as room
    from fact as f
    union all
    select
        s.artist_id as scope_key, s.announced_day as on_day, 0 as turn, '' as concert_id, '' as horizon,
        0 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        0 as strength, 0 as fair_strength, 0 as days, 0 as days_squared, 0 as strength_days,
        0 as fair_strength_days, 0 as year_shows, 0 as year_tickets, 0 as year_shares, 0 as year_share_bp,
        0 as year_sold_out, 0 as year_strength, 0 as two_year_shows, 0 as two_year_strength,
        0 as two_year_fair_strength, 1 as rooms, s.room as room
    from show as s
    where s.room is not null
    union all
    select
        q.artist_id as scope_key, q.cutoff_day as on_day, 1 as turn, q.concert_id as concert_id, q.horizon as horizon,
        0 as shows, 0 as tickets, 0 as shares, 0 as share_bp, 0 as sold_out, 0 as prices, 0 as cents,
        0 as strength, 0 as fair_strength, 0 as days, 0 as days_squared, 0 as strength_days,
        0 as fair_strength_days, 0 as year_shows, 0 as year_tickets, 0 as year_shares, 0 as year_share_bp,
        0 as year_sold_out, 0 as year_strength, 0 as two_year_shows, 0 as two_year_strength,
        0 as two_year_fair_strength, 0 as rooms, 0 as room
    from question as q
),
artist_running as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shows,
        cast(sum(t.tickets) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as tickets,
        cast(sum(t.shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shares,
        cast(sum(t.share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as share_bp,
        cast(sum(t.sold_out) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as sold_out,
        cast(sum(t.prices) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as prices,
        cast(sum(t.cents) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as cents,
        cast(sum(t.strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as strength,
        cast(sum(t.fair_strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as fair_strength,
        cast(sum(t.days) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as days,
        cast(sum(t.days_squared) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as days_squared,
        cast(sum(t.strength_days) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as strength_days,
        cast(sum(t.fair_strength_days) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as fair_strength_days,
        cast(sum(t.year_shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_shows,
        cast(sum(t.year_tickets) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_tickets,
        cast(sum(t.year_shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_shares,
        cast(sum(t.year_share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_share_bp,
        cast(sum(t.year_sold_out) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_sold_out,
        cast(sum(t.year_strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_strength,
        cast(sum(t.two_year_shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as two_year_shows,
        cast(sum(t.two_year_strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as two_year_strength,
        cast(sum(t.two_year_fair_strength) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as two_year_fair_strength,
        cast(sum(t.rooms) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as rooms,
        cast(sum(t.room) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as room
    from artist_tick as t
),
venue_tick as (
    select
        f.venue_id as scope_key, f.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        1 as shows, f.has_share as shares, f.share_bp as share_bp, f.has_price as prices,
        coalesce(f.mean_cents, 0) as cents, 1 as year_shows, f.has_share as year_shares,
        f.share_bp as year_share_bp, f.has_surprise as surprises, f.surprise as surprise
    from fact as f
    union all
    select
        f.venue_id as scope_key, f.event_day + 365 as on_day, 2 as turn, '' as concert_id, '' as horizon,
        0 as shows, 0 as shares, 0 as share_bp, 0 as prices, 0 as cents, -1 as year_shows,
        -f.has_share as year_shares, -f.share_bp as year_share_bp, 0 as surprises, 0 as surprise
    from fact as f
    union all
    select
        q.venue_id as scope_key, q.cutoff_day as on_day, 1 as turn, q.concert_id as concert_id, q.horizon as horizon,
        0 as shows, 0 as shares, 0 as share_bp, 0 as prices, 0 as cents, 0 as year_shows, 0 as year_shares,
        0 as year_share_bp, 0 as surprises, 0 as surprise
    from question as q
),
venue_running as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shows,
        cast(sum(t.shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shares,
        cast(sum(t.share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as share_bp,
        cast(sum(t.prices) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as prices,
        cast(sum(t.cents) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as cents,
        cast(sum(t.year_shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_shows,
        cast(sum(t.year_shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_shares,
        cast(sum(t.year_share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_share_bp,
        cast(sum(t.surprises) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as surprises,
        cast(sum(t.surprise) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as surprise
    from venue_tick as t
),
city_tick as (
    select
        f.city_key as scope_key, f.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        1 as shows, f.has_share as shares, f.share_bp as share_bp, f.has_price as prices,
        coalesce(f.mean_cents, 0) as cents, 1 as year_shows, f.has_share as year_shares,
        f.share_bp as year_share_bp, f.has_surprise as surprises, f.surprise as surprise
    from fact as f
    where f.city_key is not null
    union all
    select
        f.city_key as scope_key, f.event_day + 365 as on_day, 2 as turn, '' as concert_id, '' as horizon,
        0 as shows, 0 as shares, 0 as share_bp, 0 as prices, 0 as cents, -1 as year_shows,
        -f.has_share as year_shares, -f.share_bp as year_share_bp, 0 as surprises, 0 as surprise
    from fact as f
    where f.city_key is not null
    union all
    select
        q.city_key as scope_key, q.cutoff_day as on_day, 1 as turn, q.concert_id as concert_id, q.horizon as horizon,
        0 as shows, 0 as shares, 0 as share_bp, 0 as prices, 0 as cents, 0 as year_shows, 0 as year_shares,
        0 as year_share_bp, 0 as surprises, 0 as surprise
    from question as q
    where q.city_key is not null
),
city_running as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shows,
        cast(sum(t.shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shares,
        cast(sum(t.share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as share_bp,
        cast(sum(t.prices) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as prices,
        cast(sum(t.cents) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as cents,
        cast(sum(t.year_shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_shows,
        cast(sum(t.year_shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_shares,
        cast(sum(t.year_share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as year_share_bp,
        cast(sum(t.surprises) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as surprises,
        cast(sum(t.surprise) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as surprise
    from city_tick as t
),
type_tick as (
    select
        f.venue_type as scope_key, f.event_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        f.has_share as shares, f.share_bp as share_bp, f.has_price as prices, coalesce(f.mean_cents, 0) as cents,
        f.ledger_tickets as ledger_tickets, f.tickets_sold as counted_tickets,
        f.tickets_before_60 as tickets_before_60, f.tickets_before_30 as tickets_before_30,
        f.tickets_before_14 as tickets_before_14, f.tickets_before_7 as tickets_before_7,
        f.tickets_before_1 as tickets_before_1
    from fact as f
    where f.venue_type is not null
    union all
    select
        q.venue_type as scope_key, q.cutoff_day as on_day, 1 as turn, q.concert_id as concert_id, q.horizon as horizon,
        0 as shares, 0 as share_bp, 0 as prices, 0 as cents, 0 as ledger_tickets, 0 as counted_tickets,
        0 as tickets_before_60, 0 as tickets_before_30, 0 as tickets_before_14, 0 as tickets_before_7,
        0 as tickets_before_1
    from question as q
    where q.venue_type is not null
),
type_running as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.shares) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shares,
        cast(sum(t.share_bp) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as share_bp,
        cast(sum(t.prices) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as prices,
        cast(sum(t.cents) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as cents,
        cast(sum(t.ledger_tickets) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as ledger_tickets,
        cast(sum(t.counted_tickets) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as counted_tickets,
        cast(sum(t.tickets_before_60) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as tickets_before_60,
        cast(sum(t.tickets_before_30) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as tickets_before_30,
        cast(sum(t.tickets_before_14) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as tickets_before_14,
        cast(sum(t.tickets_before_7) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as tickets_before_7,
        cast(sum(t.tickets_before_1) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as tickets_before_1
    from type_tick as t
),
-- A show competes from the day it is announced; whether it was cancelled later is not known yet.
rival_tick as (
    select
        s.city_week_key as scope_key, s.announced_day as on_day, 2 as turn, '' as concert_id, '' as horizon,
        1 as shows
    from show as s
    where s.city_week_key is not null
    union all
    select
        q.city_week_key as scope_key, q.cutoff_day as on_day, 1 as turn, q.concert_id as concert_id, q.horizon as horizon,
        0 as shows
    from question as q
    where q.city_week_key is not null
),
rival_running as (
    select
        t.turn,
        t.concert_id,
        t.horizon,
        cast(sum(t.shows) over (partition by t.scope_key order by t.on_day, t.turn rows unbounded preceding)
            as bigint) as shows
    from rival_tick as t
),
-- Which part of its tickets the kind of venue has sold by then, between the days at which that is known in a straight
-- line; before them in proportion to the time, after the last of them no more, and nothing before tickets are on sale.
pace as (
    select
        q.concert_id,
        q.horizon,
        q.event_day - q.cutoff_day as days_out,
        case q.horizon
            when 'announcement' then 0
            when '60' then p.tickets_before_60
            when '30' then p.tickets_before_30
            when '14' then p.tickets_before_14
            when '7' then p.tickets_before_7
            when '1' then p.tickets_before_1
            else p.tickets_before_now
        end as tickets_to_date,
        case
            when k.ledger_tickets > 0
                then case
                    when q.cutoff_day <= q.announced_day then 0.0
                    when q.event_day - q.cutoff_day >= 60
                        then cast(k.tickets_before_60 as double precision) * (q.cutoff_day - q.announced_day)
                            / greatest(q.event_day - 60 - q.announced_day, 1)
                    when q.event_day - q.cutoff_day >= 30
                        then k.tickets_before_60
                            + cast(k.tickets_before_30 - k.tickets_before_60 as double precision)
                            * (60 - q.event_day + q.cutoff_day) / 30
                    when q.event_day - q.cutoff_day >= 14
                        then k.tickets_before_30
                            + cast(k.tickets_before_14 - k.tickets_before_30 as double precision)
                            * (30 - q.event_day + q.cutoff_day) / 16
                    when q.event_day - q.cutoff_day >= 7
                        then k.tickets_before_14
                            + cast(k.tickets_before_7 - k.tickets_before_14 as double precision)
                            * (14 - q.event_day + q.cutoff_day) / 7
                    when q.event_day - q.cutoff_day >= 1
                        then k.tickets_before_7
                            + cast(k.tickets_before_1 - k.tickets_before_7 as double precision)
                            * (7 - q.event_day + q.cutoff_day) / 6
                    else cast(k.tickets_before_1 as double precision)
                end / k.ledger_tickets
        end as pace_share,
        case
            when k.counted_tickets > 0 then cast(k.ledger_tickets as double precision) / k.counted_tickets
        end as ledger_share
    from question as q
    left join paced as p on q.concert_id = p.concert_id
    left join type_running as k on q.concert_id = k.concert_id and q.horizon = k.horizon and k.turn = 1
)

select
    cast(q.concert_id as varchar(64)) as concert_id,
    cast(q.horizon as varchar(16)) as horizon,
    cast(q.artist_id as varchar(64)) as artist_id,
    cast(q.status as varchar(16)) as status,
    cast(q.event_day as integer) as event_day,
    cast(q.cutoff_day as integer) as cutoff_day,
    cast(q.tickets_sold as integer) as tickets_sold,
    cast(q.capacity as integer) as capacity,
    cast(q.venue_type as varchar(16)) as venue_type,
    cast(q.primary_genre as varchar(64)) as primary_genre,
    cast(q.popularity_score as double precision) as artist_popularity,
    cast(q.weekday as integer) as weekday,
    cast(extract(month from q.local_date) as integer) as event_month,
    cast(floor((cast(extract(month from q.local_date) as integer) % 12) / 3.0) as integer) as season,
    -- Days off around Christmas and New Year; in the United States also Memorial, Independence and Labor Day and
    -- Thanksgiving, by the rules of 5 U.S.C. 6103.
    cast(
        case
            when extract(month from q.local_date) = 12 and extract(day from q.local_date) in (24, 25, 26, 31) then 1
            when extract(month from q.local_date) = 1 and extract(day from q.local_date) = 1 then 1
            when coalesce(q.country, '') <> 'US' then 0
            when extract(month from q.local_date) = 7 and extract(day from q.local_date) = 4 then 1
            when extract(month from q.local_date) = 5 and q.weekday = 0 and extract(day from q.local_date) >= 25 then 1
            when extract(month from q.local_date) = 9 and q.weekday = 0 and extract(day from q.local_date) <= 7 then 1
            when
                extract(month from q.local_date) = 11 and q.weekday = 3
                and extract(day from q.local_date) between 22 and 28 then 1
            else 0
        end as integer
    ) as is_holiday,
    cast(q.event_day - q.announced_day as integer) as on_sale_days,
    cast(q.is_on_sale_unknown as integer) as is_on_sale_unknown,
    cast(p.days_out as integer) as days_out,
    cast(q.cutoff_day - q.announced_day as integer) as days_on_sale,
    cast(cast(q.mean_cents as double precision) / 100 as double precision) as mean_face_value_usd,
    cast(cast(q.min_cents as double precision) / 100 as double precision) as min_face_value_usd,
    cast(cast(q.max_cents as double precision) / 100 as double precision) as max_face_value_usd,
    cast(coalesce(a.shows, 0) as integer) as artist_past_shows,
    cast(coalesce(a.year_shows, 0) as integer) as artist_year_shows,
    cast(coalesce(a.two_year_shows, 0) as integer) as artist_two_year_shows,
    cast(coalesce(a.rooms, 0) as integer) as artist_announced_shows,
    cast(cast(a.tickets as double precision) / nullif(a.shows, 0) as double precision) as artist_past_tickets,
    cast(cast(a.year_tickets as double precision) / nullif(a.year_shows, 0) as double precision)
        as artist_year_tickets,
    cast(cast(a.share_bp as double precision) / nullif(10000 * a.shares, 0) as double precision)
        as artist_past_sell_through,
    cast(cast(a.year_share_bp as double precision) / nullif(10000 * a.year_shares, 0) as double precision)
        as artist_year_sell_through,
    cast(cast(a.sold_out as double precision) / nullif(a.shares, 0) as double precision) as artist_sold_out_share,
    cast(cast(a.year_sold_out as double precision) / nullif(a.year_shares, 0) as double precision)
        as artist_year_sold_out_share,
    cast(cast(a.cents as double precision) / nullif(100 * a.prices, 0) as double precision) as artist_past_price_usd,
    cast(cast(a.strength as double precision) / nullif(10000 * a.shows, 0) as double precision) as artist_strength,
    cast(cast(a.year_strength as double precision) / nullif(10000 * a.year_shows, 0) as double precision)
        as artist_year_strength,
    cast(cast(a.two_year_strength as double precision) / nullif(10000 * a.two_year_shows, 0) as double precision)
        as artist_two_year_strength,
    cast(cast(a.fair_strength as double precision) / nullif(10000 * a.shows, 0) as double precision)
        as artist_fair_strength,
    cast(cast(a.two_year_fair_strength as double precision) / nullif(10000 * a.two_year_shows, 0) as double precision)
        as artist_two_year_fair_strength,
    -- The straight line through the strengths, at the day of the show; its slope is drawn towards none as if two
    -- more squared years of spread had shown none.
    cast(
        (
            cast(a.strength as double precision) / nullif(a.shows, 0)
            + (a.strength_days - cast(a.strength as double precision) * a.days / nullif(a.shows, 0))
            / (a.days_squared - cast(a.days as double precision) * a.days / nullif(a.shows, 0) + 266450)
            * (q.event_day - cast(a.days as double precision) / nullif(a.shows, 0))
        ) / 10000 as double precision
    ) as artist_strength_trend,
    cast(
        (
            cast(a.fair_strength as double precision) / nullif(a.shows, 0)
            + (a.fair_strength_days - cast(a.fair_strength as double precision) * a.days / nullif(a.shows, 0))
            / (a.days_squared - cast(a.days as double precision) * a.days / nullif(a.shows, 0) + 266450)
            * (q.event_day - cast(a.days as double precision) / nullif(a.shows, 0))
        ) / 10000 as double precision
    ) as artist_fair_strength_trend,
    cast(q.event_day - cast(a.days as double precision) / nullif(a.shows, 0) as double precision)
        as artist_strength_age_days,
    cast(cast(a.room as double precision) / nullif(10000 * a.rooms, 0) as double precision) as artist_room,
    cast(coalesce(v.shows, 0) as integer) as venue_past_shows,
    cast(coalesce(v.year_shows, 0) as integer) as venue_year_shows,
    cast(cast(v.share_bp as double precision) / nullif(10000 * v.shares, 0) as double precision)
        as venue_past_sell_through,
    cast(cast(v.year_share_bp as double precision) / nullif(10000 * v.year_shares, 0) as double precision)
        as venue_year_sell_through,
    cast(cast(v.cents as double precision) / nullif(100 * v.prices, 0) as double precision) as venue_past_price_usd,
    cast(cast(v.surprise as double precision) / (10000 * (v.surprises + 4)) as double precision) as venue_surprise,
    cast(coalesce(c.year_shows, 0) as integer) as city_year_shows,
    cast(cast(c.share_bp as double precision) / nullif(10000 * c.shares, 0) as double precision)
        as city_past_sell_through,
    cast(cast(c.surprise as double precision) / (10000 * (c.surprises + 10)) as double precision) as city_surprise,
    cast(cast(k.share_bp as double precision) / nullif(10000 * k.shares, 0) as double precision)
        as type_past_sell_through,
    cast(
        cast(q.mean_cents as double precision) / nullif(cast(k.cents as double precision) / nullif(k.prices, 0), 0)
        as double precision
    ) as price_to_type,
    cast(
        cast(q.mean_cents as double precision) / nullif(cast(a.cents as double precision) / nullif(a.prices, 0), 0)
        as double precision
    ) as price_to_artist,
    -- The show itself is among those announced before the cut-off, but on the day of its announcement.
    cast(coalesce(rival.shows - case when q.announced_day < q.cutoff_day then 1 else 0 end, 0) as integer)
        as competing_shows,
    cast(coalesce(p.tickets_to_date, 0) as integer) as ledger_tickets_to_date,
    cast(p.ledger_share as double precision) as ledger_share,
    cast(p.pace_share as double precision) as pace_share,
    -- What the orders to date come to at the usual pace, in tickets.
    cast(
        coalesce(p.tickets_to_date, 0) / nullif(p.ledger_share * p.pace_share, 0) as double precision
    ) as paced_tickets,
    cast(case when coalesce(a.shows, 0) = 0 then 1 else 0 end as integer) as is_artist_new,
    cast(case when coalesce(v.shows, 0) = 0 then 1 else 0 end as integer) as is_venue_new
from question as q
inner join pace as p on q.concert_id = p.concert_id and q.horizon = p.horizon
left join artist_running as a on q.concert_id = a.concert_id and q.horizon = a.horizon and a.turn = 1
left join venue_running as v on q.concert_id = v.concert_id and q.horizon = v.horizon and v.turn = 1
left join city_running as c on q.concert_id = c.concert_id and q.horizon = c.horizon and c.turn = 1
left join type_running as k on q.concert_id = k.concert_id and q.horizon = k.horizon and k.turn = 1
left join rival_running as rival on q.concert_id = rival.concert_id and q.horizon = rival.horizon and rival.turn = 1
