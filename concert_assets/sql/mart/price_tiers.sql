-- The orders may be a sample of all: mean prices and shares hold for it as for the whole, tickets and gross are its own.
-- Orders are added up a concert first, so that millions of them meet the venues as thousands of rows.
with ordered as (
  select
    s.concert_id,
    s.ticket_tier,
    count(*) as orders,
    sum(s.quantity) as tickets,
    sum(s.total_price) as gross_usd
  from concert_dw.ticket_sales as s
  group by s.concert_id, s.ticket_tier
),

fact as (
  select
    o.concert_id, o.ticket_tier, o.orders, o.tickets, o.gross_usd,
    1 as concerts_sold, 0 as concerts_offering, cast(null as decimal(10, 2)) as face_value
  from ordered as o
  union all
  select
    p.concert_id, p.ticket_tier, 0 as orders, 0 as tickets, 0 as gross_usd,
    0 as concerts_sold, 1 as concerts_offering, p.face_value
  from concert_dw.ticket_prices as p
),

tier as (
  select
    v.venue_type,
    f.ticket_tier,
    sum(f.concerts_offering) as concerts_offering,
    sum(f.face_value) as face_value_usd,
    sum(f.concerts_sold) as concerts_sold,
    sum(f.orders) as orders,
    sum(f.tickets) as tickets,
    sum(f.gross_usd) as gross_usd
  from fact as f
  inner join concert_dw.concerts as c on f.concert_id = c.concert_id
  inner join concert_dw.venues as v on c.venue_id = v.venue_id
  group by v.venue_type, f.ticket_tier
),

shared as (
  select
    t.*,
    sum(t.tickets) over (partition by t.venue_type) as type_tickets,
    sum(t.gross_usd) over (partition by t.venue_type) as type_gross_usd
  from tier as t
)

select
  cast(s.venue_type as varchar(16)) as venue_type,
  cast(s.ticket_tier as varchar(16)) as ticket_tier,
  cast(s.concerts_offering as bigint) as concerts_offering,
  cast(
    case when s.concerts_offering > 0
      then cast(s.face_value_usd as double precision) / cast(s.concerts_offering as double precision)
    end as double precision
  ) as mean_face_value_usd,
  cast(s.concerts_sold as bigint) as concerts_sold,
  cast(s.orders as bigint) as orders,
  cast(s.tickets as bigint) as tickets,
  cast(s.gross_usd as decimal(18, 2)) as gross_revenue_usd,
  cast(
    case when s.tickets > 0 then cast(s.gross_usd as double precision) / cast(s.tickets as double precision) end
    as double precision
  ) as mean_ticket_price_usd,
  cast(
    case when s.type_tickets > 0
      then cast(s.tickets as double precision) / cast(s.type_tickets as double precision)
    end as double precision
  ) as tickets_share,
  cast(
    case when s.type_gross_usd > 0
      then cast(s.gross_usd as double precision) / cast(s.type_gross_usd as double precision)
    end as double precision
  ) as gross_revenue_share
from shared as s
