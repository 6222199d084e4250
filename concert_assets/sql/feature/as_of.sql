-- The day the data reach to: the latest purchase or completed concert. Not the clock, so that the same data give the
-- same models whenever they are trained.
select cast(max(day) as date) as as_of
from (
  select max(cast(event_date as date)) as day from concert_dw.concerts where status = 'completed'
  union all
  select max(cast(purchase_timestamp as date)) as day from concert_dw.ticket_sales
) as days
