-- Sold to date is what the concert's row states, and is held against completed shows of which the final result is known,
-- all as shares of capacity. How much of its result a show had sold so many days out is told by its orders, be they all
-- of them or a uniform sample: the share of its ordered tickets bought by then. As the sample of a single show may be
-- thin, 10 tickets spread over time as those of all its comparables are added to its own.
-- Comparable are the 200 latest shows of the same venue type and size class that were on sale so many days out; of the
-- same type where fewer than 20 of these, or orders of fewer than 100 tickets, are known; of all shows where that is so
-- there too; and none where it is so of all.
with show as (
  select
    c.concert_id,
    c.artist_id,
    c.venue_id,
    c.status,
    c.tickets_sold,
    c.on_sale_date,
    v.venue_type,
    v.capacity,
    cast(c.event_date as date) as event_date,
    case
      when v.capacity < 500 then 'under 500'
      when v.capacity < 1500 then '500-1499'
      when v.capacity < 5000 then '1500-4999'
      when v.capacity < 15000 then '5000-14999'
      when v.capacity < 40000 then '15000-39999'
      when v.capacity >= 40000 then '40000 or more'
    end as size_class,
    datediff(day, cast(:as_of as date), cast(c.event_date as date)) as days_out,
    -- Where it is not known when they began, sales are taken to go on already.
    coalesce(datediff(day, c.on_sale_date, cast(c.event_date as date)), 1000000) as days_on_sale
  from concert_dw.concerts as c
  inner join concert_dw.venues as v on c.venue_id = v.venue_id
),

known as (
  select
    s.*,
    s.venue_type || '/' || s.size_class as type_and_size,
    cast(s.tickets_sold as double precision) / s.capacity as sold_share
  from show as s
  where s.tickets_sold is not null and s.capacity is not null
),

-- Which class of shows a show stands in, for each of the three kinds of class.
placed as (
  select 1 as choice, k.type_and_size as class, k.*
  from known as k
  where k.type_and_size is not null
  union all
  select 2 as choice, k.venue_type as class, k.*
  from known as k
  where k.venue_type is not null
  union all
  select 3 as choice, '' as class, k.*
  from known as k
),

latest as (
  select
    p.*,
    row_number() over (partition by p.choice, p.class order by p.event_date desc, p.concert_id) as recency
  from placed as p
  where p.status = 'completed' and p.event_date <= cast(:as_of as date)
),

asked as (
  select p.concert_id, p.choice, p.class, p.days_out
  from placed as p
  where p.status = 'scheduled' and p.days_out >= 0 and p.days_on_sale >= p.days_out
),

compared as (
  select a.choice, a.class, a.days_out, l.concert_id, l.sold_share
  from (select distinct q.choice, q.class, q.days_out from asked as q) as a
  inner join latest as l on a.choice = l.choice and a.class = l.class and l.days_on_sale >= a.days_out
  where l.recency <= 200
),

-- Turn 0 tells what was bought so many days before the show, turn 1 asks what was bought by then.
tick as (
  select
    l.concert_id,
    datediff(day, cast(s.purchase_timestamp as date), l.event_date) as days_before,
    0 as turn,
    sum(s.quantity) as tickets
  from concert_dw.ticket_sales as s
  inner join (
    select distinct t.concert_id, t.event_date
    from latest as t
    where t.recency <= 200
  ) as l on s.concert_id = l.concert_id
  group by l.concert_id, datediff(day, cast(s.purchase_timestamp as date), l.event_date)
  union all
  select distinct c.concert_id, c.days_out as days_before, 1 as turn, 0 as tickets
  from compared as c
),

running as (
  select
    t.concert_id,
    t.days_before,
    t.turn,
    cast(sum(t.tickets) over (
      partition by t.concert_id order by t.days_before desc, t.turn
      rows between unbounded preceding and current row
    ) as bigint) as bought,
    cast(sum(t.tickets) over (partition by t.concert_id) as bigint) as ordered
  from tick as t
),

curve as (
  select
    c.choice,
    c.class,
    c.days_out,
    c.sold_share,
    cast(r.bought as double precision) as bought,
    cast(r.ordered as double precision) as ordered,
    cast(sum(r.bought) over (partition by c.choice, c.class, c.days_out) as double precision) as class_bought,
    cast(sum(r.ordered) over (partition by c.choice, c.class, c.days_out) as double precision) as class_ordered,
    count(*) over (partition by c.choice, c.class, c.days_out) as shows
  from compared as c
  inner join running as r on c.concert_id = r.concert_id and c.days_out = r.days_before and r.turn = 1
),

paced as (
  select
    c.choice,
    c.class,
    c.days_out,
    c.shows,
    c.sold_share * (c.bought + 10 * c.class_bought / c.class_ordered) / (c.ordered + 10) as sold_share
  from curve as c
  where c.shows >= 20 and c.class_ordered >= 100
),

benchmark as (
  select
    p.choice,
    p.class,
    p.days_out,
    max(p.shows) as shows,
    percentile_cont(0.25) within group (order by p.sold_share) as p25,
    percentile_cont(0.5) within group (order by p.sold_share) as p50,
    percentile_cont(0.75) within group (order by p.sold_share) as p75
  from paced as p
  group by p.choice, p.class, p.days_out
),

chosen as (
  select
    a.concert_id,
    b.*,
    row_number() over (partition by a.concert_id order by a.choice) as preference
  from asked as a
  inner join benchmark as b on a.choice = b.choice and a.class = b.class and a.days_out = b.days_out
)

select
  cast(s.concert_id as varchar(64)) as concert_id,
  cast(s.artist_id as varchar(64)) as artist_id,
  cast(s.venue_id as varchar(64)) as venue_id,
  cast(s.event_date as date) as event_date,
  cast(s.on_sale_date as date) as on_sale_date,
  cast(s.days_out as integer) as days_out,
  cast(s.venue_type as varchar(16)) as venue_type,
  cast(s.size_class as varchar(16)) as size_class,
  cast(s.capacity as integer) as capacity,
  cast(s.tickets_sold as integer) as tickets_sold,
  cast(cast(s.tickets_sold as double precision) / s.capacity as double precision) as sell_through_share,
  cast(
    case c.choice when 1 then 'type_and_size' when 2 then 'type' when 3 then 'all' else 'none' end as varchar(16)
  ) as comparable_basis,
  cast(coalesce(c.shows, 0) as integer) as comparable_shows,
  cast(c.p25 as double precision) as comparable_p25_share,
  cast(c.p50 as double precision) as comparable_p50_share,
  cast(c.p75 as double precision) as comparable_p75_share,
  cast(floor(s.tickets_sold - c.p50 * s.capacity + 0.5) as integer) as tickets_ahead,
  cast(
    case
      when s.days_on_sale < s.days_out then 'not_on_sale'
      when c.p50 is null then 'not_comparable'
      when cast(s.tickets_sold as double precision) / s.capacity > c.p75 then 'ahead'
      when cast(s.tickets_sold as double precision) / s.capacity < c.p25 then 'behind'
      else 'on_pace'
    end as varchar(16)
  ) as pace
from show as s
left join chosen as c on s.concert_id = c.concert_id and c.preference = 1
where s.status = 'scheduled' and s.days_out >= 0
