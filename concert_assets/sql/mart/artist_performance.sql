with shows as (
  select
    c.artist_id,
    sum(case when c.status = 'completed' then 1 else 0 end) as concerts_completed,
    sum(case when c.status = 'scheduled' then 1 else 0 end) as concerts_scheduled,
    sum(case when c.status = 'cancelled' then 1 else 0 end) as concerts_cancelled,
    count(distinct c.venue_id) as venues_played,
    sum(case when c.status = 'completed' and v.capacity is not null then c.tickets_sold end) as tickets_sold,
    sum(case when c.status = 'completed' and c.tickets_sold is not null then v.capacity end) as capacity_offered,
    sum(case when c.status = 'completed' then c.total_attendance end) as attendance,
    sum(case when c.status = 'completed' then c.revenue end) as revenue_usd,
    sum(case when c.status = 'completed' and c.revenue is not null then c.tickets_sold end) as tickets_priced,
    max(case when c.status = 'completed' then cast(c.event_date as date) end) as last_event_date
  from concert_dw.concerts as c
  inner join concert_dw.venues as v on c.venue_id = v.venue_id
  group by c.artist_id
)

select
  cast(a.artist_id as varchar(64)) as artist_id,
  cast(a.name as varchar(512)) as name,
  cast(a.primary_genre as varchar(64)) as primary_genre,
  cast(a.popularity_score as decimal(5, 2)) as popularity_score,
  cast(coalesce(s.concerts_completed, 0) as bigint) as concerts_completed,
  cast(coalesce(s.concerts_scheduled, 0) as bigint) as concerts_scheduled,
  cast(coalesce(s.concerts_cancelled, 0) as bigint) as concerts_cancelled,
  cast(coalesce(s.venues_played, 0) as bigint) as venues_played,
  cast(s.tickets_sold as bigint) as tickets_sold,
  cast(
    case when s.capacity_offered > 0
      then cast(s.tickets_sold as double precision) / cast(s.capacity_offered as double precision)
    end as double precision
  ) as sell_through_share,
  cast(s.attendance as bigint) as attendance,
  cast(s.revenue_usd as decimal(18, 2)) as revenue_usd,
  cast(
    case when s.tickets_priced > 0
      then cast(s.revenue_usd as double precision) / cast(s.tickets_priced as double precision)
    end as double precision
  ) as mean_ticket_price_usd,
  cast(s.last_event_date as date) as last_event_date
from concert_dw.artists as a
left join shows as s on a.artist_id = s.artist_id
