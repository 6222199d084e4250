-- A folded score of a hundred without its percent sign.
select
  case
    when raw rlike '^[+-]?[0-9.][0-9., \']* ?%$' then regexp_extract(raw, '^[+-]?[0-9.]([0-9., \']*[0-9.])?', 0)
    else raw
  end as value
from texts
