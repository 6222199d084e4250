-- The guard keeps the engines' own leniencies out; the try is for days that do not exist, such as 2025-02-30.
select
  case
    when raw rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and substring(raw, 1, 4) <> '0000' then try_cast(raw as date)
  end as value
from texts
