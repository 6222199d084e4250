-- Ten digits or more cannot be an integer column's value, and would overflow the cast below. 1.000 is unreadable: it may
-- be one with three decimals or a thousand, by where it was written.
select
  case
    when raw rlike '^[+-]?[0-9]{1,9}$' then cast(raw as int)
    when raw rlike '^[+-]?(0{1,9}[.]0*|[0-9]{4,9}[.]0*|[0-9]{1,3}[.](0{0,2}|0{4,}))$'
      then cast(floor(cast(raw as decimal(14, 4))) as int)
  end as value
from texts
