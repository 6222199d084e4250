-- A folded amount without the signs of the US dollar, before or after it; in parentheses it is negative.
select
  case
    when
      raw rlike '^[(](us ?[$]|usd ?[$]?|[$])? ?[0-9.][0-9., \']*( ?(us ?[$]|usd|[$]))?[)]$'
      or raw rlike '^(us ?[$]|usd ?[$]?|[$]) ?[(][0-9.][0-9., \']*[)]$'
      then concat('-', regexp_extract(raw, '[0-9.]([0-9., \']*[0-9.])?', 0))
    when
      raw rlike '^([+-] ?(us ?[$]|usd ?[$]?|[$])?|(us ?[$]|usd ?[$]?|[$]) ?[+-]?)? ?[0-9.][0-9., \']*( ?(us ?[$]|usd|[$]))?$'
      then
        concat(
          case when raw rlike '^[^0-9.]*-' then '-' else '' end,
          regexp_extract(raw, '[0-9.]([0-9., \']*[0-9.])?', 0)
        )
  end as value
from texts
