-- The exponent is bounded, so that no text becomes an infinity.
select
  case
    when raw rlike '^[+-]?[0-9]{1,15}([.][0-9]{1,20})?([eE][+-]?[0-9]{1,2})?$' then cast(raw as double)
  end as value
from texts
