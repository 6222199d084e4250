-- Sums beside the share, so that any coarser grain is got by adding up: sum(tickets_sold) / sum(capacity_offered).
-- The month is that of the evening at the venue: by UTC most shows of a month's last night would count in the next one.
with show as (
  select
    v.venue_type,
    v.city,
    v.state,
    v.country,
    v.capacity,
    c.tickets_sold,
    c.revenue,
    case when c.tickets_sold is not null and v.capacity is not null then 1 else 0 end as is_counted,
    cast(
      date_trunc(
        'month',
        case
          when c.has_event_time and c.event_timezone is not null
            then convert_timezone('UTC', c.event_timezone, c.event_date)
          else c.event_date
        end
      ) as date
    ) as event_month
  from concert_dw.concerts as c
  inner join concert_dw.venues as v on c.venue_id = v.venue_id
  where c.status = 'completed'
),

cell as (
  select
    s.event_month,
    s.venue_type,
    s.city,
    s.state,
    s.country,
    count(*) as concerts,
    sum(s.is_counted) as concerts_counted,
    sum(case when s.is_counted = 1 and s.tickets_sold >= s.capacity then 1 else 0 end) as concerts_sold_out,
    sum(case when s.is_counted = 1 then s.tickets_sold end) as tickets_sold,
    sum(case when s.is_counted = 1 then s.capacity end) as capacity_offered,
    sum(s.revenue) as revenue_usd
  from show as s
  group by s.event_month, s.venue_type, s.city, s.state, s.country
)

select
  cast(c.event_month as date) as event_month,
  cast(c.venue_type as varchar(16)) as venue_type,
  cast(c.city as varchar(256)) as city,
  cast(c.state as varchar(64)) as state,
  cast(c.country as varchar(64)) as country,
  cast(c.concerts as bigint) as concerts,
  cast(c.concerts_counted as bigint) as concerts_counted,
  cast(c.concerts_sold_out as bigint) as concerts_sold_out,
  cast(c.tickets_sold as bigint) as tickets_sold,
  cast(c.capacity_offered as bigint) as capacity_offered,
  cast(
    cast(c.tickets_sold as double precision) / cast(c.capacity_offered as double precision) as double precision
  ) as sell_through_share,
  cast(c.revenue_usd as decimal(18, 2)) as revenue_usd
from cell as c
