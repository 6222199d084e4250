-- Two views of the same orders. By month of purchase: what is left of the month's orders, whenever they were refunded; the
-- latest months still lose some. By month of the money: what came in less what went out in the month, which no later
-- refund alters. A refund without a date is in no month's money; it stands apart in the month of its purchase.
with flow as (
  select
    cast(date_trunc('month', s.purchase_timestamp) as date) as revenue_month,
    1 as orders,
    s.quantity as tickets,
    s.total_price as gross,
    case when s.sale_status = 'refunded' then s.total_price else 0 end as refunded,
    case when s.sale_status = 'chargeback' then s.total_price else 0 end as charged_back,
    0 as refunds_paid,
    0 as chargebacks_paid,
    case when s.sale_status <> 'completed' and s.refunded_at is null then s.total_price else 0 end as undated
  from concert_dw.ticket_sales as s
  union all
  select
    cast(date_trunc('month', s.refunded_at) as date) as revenue_month,
    0 as orders,
    0 as tickets,
    0 as gross,
    0 as refunded,
    0 as charged_back,
    case when s.sale_status = 'refunded' then s.total_price else 0 end as refunds_paid,
    case when s.sale_status = 'chargeback' then s.total_price else 0 end as chargebacks_paid,
    0 as undated
  from concert_dw.ticket_sales as s
  where s.sale_status <> 'completed' and s.refunded_at is not null
)

select
  cast(f.revenue_month as date) as revenue_month,
  cast(sum(f.orders) as bigint) as orders,
  cast(sum(f.tickets) as bigint) as tickets,
  cast(sum(f.gross) as decimal(18, 2)) as gross_revenue_usd,
  cast(sum(f.refunded) as decimal(18, 2)) as refunded_usd,
  cast(sum(f.charged_back) as decimal(18, 2)) as chargeback_usd,
  cast(sum(f.gross) - sum(f.refunded) - sum(f.charged_back) as decimal(18, 2)) as net_revenue_usd,
  cast(sum(f.refunds_paid) as decimal(18, 2)) as refunds_paid_usd,
  cast(sum(f.chargebacks_paid) as decimal(18, 2)) as chargebacks_paid_usd,
  cast(sum(f.gross) - sum(f.refunds_paid) - sum(f.chargebacks_paid) as decimal(18, 2)) as net_received_usd,
  cast(sum(f.undated) as decimal(18, 2)) as undated_refunds_usd
from flow as f
group by f.revenue_month
