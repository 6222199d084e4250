-- Each count is counted where its rows are: nothing is got by subtraction, so that conservation can fail.
with published as (
  select _object_id as object_id, 'artists' as table_name, count(*) as row_count
  from concert_dw.candidate__artists
  group by _object_id
  union all
  select _object_id as object_id, 'venues' as table_name, count(*) as row_count
  from concert_dw.candidate__venues
  group by _object_id
  union all
  select _object_id as object_id, 'concerts' as table_name, count(*) as row_count
  from concert_dw.candidate__concerts
  group by _object_id
  union all
  select _object_id as object_id, 'ticket_prices' as table_name, count(*) as row_count
  from concert_dw.candidate__ticket_prices
  group by _object_id
  union all
  select _object_id as object_id, 'ticket_sales' as table_name, count(*) as row_count
  from concert_dw.candidate__ticket_sales
  group by _object_id
  union all
  select _object_id as object_id, 'identity_aliases' as table_name, count(*) as row_count
  from concert_dw.candidate__identity_aliases
  group by _object_id
),

outcomes as (
  select
    object_id,
    table_name,
    sum(case when outcome = 'rejected' then 1 else 0 end) as rejected,
    sum(case when outcome = 'duplicate' then 1 else 0 end) as duplicate,
    sum(case when outcome = 'superseded' then 1 else 0 end) as superseded,
    sum(case when outcome = 'pending' then 1 else 0 end) as pending,
    sum(case when outcome = 'held' then 1 else 0 end) as held
  from concert_dw.candidate__row_outcomes
  group by object_id, table_name
)

select
  cast(o.object_id as varchar(32)) as object_id,
  cast(coalesce(c.table_name, o.table_name) as varchar(64)) as table_name,
  cast(o.delivery as varchar(512)) as delivery,
  cast(o.sequence as bigint) as sequence,
  cast(o.object_key as varchar(1024)) as object_key,
  cast(o.object_version as varchar(256)) as object_version,
  cast(o.sha256 as varchar(64)) as sha256,
  cast(o.size_bytes as bigint) as size_bytes,
  cast(coalesce(c.rows_in, 0) as bigint) as rows_in,
  cast(coalesce(p.row_count, 0) as bigint) as rows_published,
  cast(coalesce(x.rejected, 0) as bigint) as rows_rejected,
  cast(coalesce(x.duplicate, 0) as bigint) as rows_duplicate,
  cast(coalesce(x.superseded, 0) as bigint) as rows_superseded,
  cast(coalesce(x.pending, 0) as bigint) as rows_pending,
  cast(coalesce(x.held, 0) as bigint) as rows_held,
  cast(o.state as varchar(16)) as state,
  cast(o.delivered_at as timestamp) as delivered_at,
  cast(s.position as bigint) as published_position,
  cast(o.note as varchar(4000)) as note
from concert_dw_staging.objects as o
cross join concert_dw_staging.position as s
left join concert_dw_staging.object_counts as c
  on o.object_id = c.object_id and o.sequence = c.sequence
left join published as p
  on c.object_id = p.object_id and c.table_name = p.table_name and o.state = 'live'
left join outcomes as x
  on c.object_id = x.object_id and c.table_name = x.table_name and o.state in ('live', 'held')
