-- Degrees have no thousands, so that a comma can only be the decimal one.
select
  case
    when raw rlike '^[+-]?[0-9]{1,3},[0-9]+$' then regexp_replace(raw, ',', '.')
    when raw rlike '^[+-]?[.][0-9]+$' then regexp_replace(raw, '[.]', '0.')
  end as value
from texts
