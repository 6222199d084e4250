-- An artist without shows has none completed by the day that the data reach to. Candidates are the 500 latest completed
-- shows of the same venue type and size class whose result is known; of the same type, then of all, where fewer than five
-- artists have such shows. Each artist stands with the nearest show, the five nearest artists are kept.
-- distance = popularity gap / 10 + (larger / smaller capacity - 1) + 1 where the genre differs: ten points of popularity
-- weigh as much as twice the capacity or another genre. What is not known of either weighs as 20 points, as twice the
-- capacity and as another genre.
with show as (
  select
    c.concert_id,
    c.artist_id,
    c.status,
    c.tickets_sold,
    c.revenue,
    a.name as artist_name,
    a.primary_genre,
    a.popularity_score,
    v.venue_type,
    v.capacity,
    cast(c.event_date as date) as event_date,
    v.venue_type || '/' || case
      when v.capacity < 500 then 'under 500'
      when v.capacity < 1500 then '500-1499'
      when v.capacity < 5000 then '1500-4999'
      when v.capacity < 15000 then '5000-14999'
      when v.capacity < 40000 then '15000-39999'
      when v.capacity >= 40000 then '40000 or more'
    end as type_and_size
  from concert_dw.concerts as c
  inner join concert_dw.venues as v on c.venue_id = v.venue_id
  inner join concert_dw.artists as a on c.artist_id = a.artist_id
),

cold as (
  select s.*
  from show as s
  where
    s.status = 'scheduled'
    and s.event_date >= cast(:as_of as date)
    and not exists (
      select p.artist_id
      from show as p
      where p.artist_id = s.artist_id and p.status = 'completed' and p.event_date <= cast(:as_of as date)
    )
),

known as (
  select s.*
  from show as s
  where
    s.status = 'completed'
    and s.event_date <= cast(:as_of as date)
    and s.tickets_sold is not null
    and s.capacity is not null
),

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
),

asked as (
  select 1 as choice, c.type_and_size as class, c.*
  from cold as c
  union all
  select 2 as choice, c.venue_type as class, c.*
  from cold as c
  union all
  select 3 as choice, '' as class, c.*
  from cold as c
),

measured as (
  select
    a.concert_id,
    a.artist_id,
    a.event_date,
    a.choice,
    l.concert_id as comparable_concert_id,
    l.artist_id as comparable_artist_id,
    l.artist_name as comparable_artist_name,
    l.event_date as comparable_event_date,
    l.capacity as comparable_capacity,
    l.tickets_sold,
    l.revenue,
    coalesce(abs(cast(a.popularity_score as double precision) - cast(l.popularity_score as double precision)) / 10, 2)
    + case
      when a.capacity is null then 1
      else cast(greatest(a.capacity, l.capacity) as double precision) / least(a.capacity, l.capacity) - 1
    end
    + case when a.primary_genre = l.primary_genre then 0 else 1 end as distance
  from asked as a
  inner join latest as l on a.choice = l.choice and a.class = l.class
  where l.recency <= 500
),

nearest as (
  select
    m.*,
    row_number() over (
      partition by m.concert_id, m.choice, m.comparable_artist_id
      order by m.distance, m.comparable_event_date desc, m.comparable_concert_id
    ) as place_of_show
  from measured as m
),

ranked as (
  select
    n.*,
    row_number() over (
      partition by n.concert_id, n.choice order by n.distance, n.comparable_artist_id
    ) as comparable_rank,
    count(*) over (partition by n.concert_id, n.choice) as artists
  from nearest as n
  where n.place_of_show = 1
),

chosen as (
  select
    r.*,
    min(r.choice) over (partition by r.concert_id) as best_choice
  from ranked as r
  where r.artists >= 5 or r.choice = 3
)

select
  cast(c.concert_id as varchar(64)) as concert_id,
  cast(c.comparable_rank as integer) as comparable_rank,
  cast(c.artist_id as varchar(64)) as artist_id,
  cast(c.event_date as date) as event_date,
  cast(case c.choice when 1 then 'type_and_size' when 2 then 'type' else 'all' end as varchar(16)) as comparable_basis,
  cast(c.distance as double precision) as distance,
  cast(c.comparable_artist_id as varchar(64)) as comparable_artist_id,
  cast(c.comparable_artist_name as varchar(512)) as comparable_artist_name,
  cast(c.comparable_concert_id as varchar(64)) as comparable_concert_id,
  cast(c.comparable_event_date as date) as comparable_event_date,
  cast(c.comparable_capacity as integer) as comparable_capacity,
  cast(c.tickets_sold as integer) as tickets_sold,
  cast(cast(c.tickets_sold as double precision) / c.comparable_capacity as double precision) as sell_through_share,
  cast(c.revenue as decimal(14, 2)) as revenue_usd
from chosen as c
where c.choice = c.best_choice and c.comparable_rank <= 5
