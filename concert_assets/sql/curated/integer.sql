-- Ten digits or more cannot be an integer column's value, and would overflow the cast below.
select
  case
    when raw rlike '^[+-]?[0-9]{1,9}([.]0*)?$' then cast(floor(cast(raw as decimal(14, 4))) as int)
  end as value
from texts
