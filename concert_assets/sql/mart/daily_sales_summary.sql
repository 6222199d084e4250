-- Gross is what was ordered; net is what is left of it after refunds and chargebacks, whenever those came.
select
  cast(s.purchase_timestamp as date) as sale_date,
  cast(count(*) as bigint) as orders,
  cast(sum(s.quantity) as bigint) as tickets,
  cast(sum(s.total_price) as decimal(18, 2)) as gross_revenue_usd,
  cast(sum(case when s.sale_status = 'refunded' then s.total_price else 0 end) as decimal(18, 2)) as refunded_usd,
  cast(sum(case when s.sale_status = 'chargeback' then s.total_price else 0 end) as decimal(18, 2)) as chargeback_usd,
  cast(sum(case when s.sale_status = 'completed' then s.total_price else 0 end) as decimal(18, 2)) as net_revenue_usd,
  cast(cast(sum(s.quantity) as double precision) / cast(count(*) as double precision) as double precision)
    as mean_tickets_per_order,
  cast(cast(sum(s.total_price) as double precision) / cast(sum(s.quantity) as double precision) as double precision)
    as mean_ticket_price_usd,
  cast(count(distinct s.concert_id) as bigint) as concerts
from concert_dw.ticket_sales as s
group by cast(s.purchase_timestamp as date)
