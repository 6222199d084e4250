select
  case
    when raw rlike '^[+-]?[0-9]{1,15}([.][0-9]{1,20})?$' then cast(raw as double)
  end as value
from texts
