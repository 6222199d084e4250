-- score = 100 * (0.4 * utilisation + 0.3 * revenue rank + 0.3 * bookings rank) over all completed concerts; utilisation
-- counts the concerts whose tickets and capacity are both known, the ranks are percent ranks among venues with a score.
with shows as (
  select
    c.venue_id,
    count(*) as concerts,
    sum(case when c.status = 'completed' then 1 else 0 end) as concerts_completed,
    sum(case when c.status = 'scheduled' then 1 else 0 end) as concerts_scheduled,
    sum(case when c.status = 'completed' and v.capacity is not null then c.tickets_sold end) as tickets_sold,
    sum(case when c.status = 'completed' and c.tickets_sold is not null then v.capacity end) as capacity_offered,
    sum(case when c.status = 'completed' then c.total_attendance end) as attendance,
    sum(case when c.status = 'completed' then c.revenue end) as revenue_usd,
    min(cast(c.event_date as date)) as first_event_date,
    max(cast(c.event_date as date)) as last_event_date
  from concert_dw.concerts as c
  inner join concert_dw.venues as v on c.venue_id = v.venue_id
  group by c.venue_id
),

ranked as (
  select
    venue_id,
    cast(tickets_sold as double precision) / cast(capacity_offered as double precision) as utilisation,
    percent_rank() over (order by revenue_usd) as revenue_rank,
    percent_rank() over (order by concerts_completed) as bookings_rank
  from shows
  where capacity_offered > 0 and revenue_usd is not null
)

select
  cast(v.venue_id as varchar(64)) as venue_id,
  cast(v.name as varchar(512)) as name,
  cast(v.venue_type as varchar(16)) as venue_type,
  cast(v.city as varchar(256)) as city,
  cast(v.state as varchar(64)) as state,
  cast(v.country as varchar(64)) as country,
  cast(v.capacity as integer) as capacity,
  cast(coalesce(s.concerts_completed, 0) as bigint) as concerts_completed,
  cast(coalesce(s.concerts_scheduled, 0) as bigint) as concerts_scheduled,
  cast(s.tickets_sold as bigint) as tickets_sold,
  cast(s.capacity_offered as bigint) as capacity_offered,
  cast(r.utilisation as double precision) as sell_through_share,
  cast(s.attendance as bigint) as attendance,
  cast(s.revenue_usd as decimal(18, 2)) as revenue_usd,
  cast(s.first_event_date as date) as first_event_date,
  cast(s.last_event_date as date) as last_event_date,
  cast(
    100 * (0.4 * r.utilisation + 0.3 * r.revenue_rank + 0.3 * r.bookings_rank) as double precision
  ) as popularity_score
from concert_dw.venues as v
left join shows as s on v.venue_id = s.venue_id
left join ranked as r on v.venue_id = r.venue_id
