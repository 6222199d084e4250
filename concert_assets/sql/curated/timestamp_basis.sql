-- What the time of a readable timestamp is told in: utc, the venue's local time, or a date alone.
select
  case
    when raw rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then 'date'
    when raw rlike '(Z|:.*[+-][0-9]{2}:?[0-9]{2}|^[0-9]+)$' then 'utc'
    when raw is not null then 'local'
  end as value
from texts
