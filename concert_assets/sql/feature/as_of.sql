-- The day the data reach to: the last completed concert, or the last purchase where none is completed. Not the clock, so
-- that the same data give the same models whenever they are trained.
select
  cast(
    coalesce(
      (select max(c.event_date) from concert_dw.concerts as c where c.status = 'completed'),
      (select max(s.purchase_timestamp) from concert_dw.ticket_sales as s)
    ) as date
  ) as as_of
