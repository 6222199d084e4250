-- More decimals than the column holds are unreadable rather than rounded; trailing zeros are not more. An exponent is
-- unreadable too: spreadsheets write one where they have dropped digits.
select
  case
    when raw rlike '^[+-]?[0-9]{1,18}([.][0-9]{1,2}0*)?$' then cast(raw as decimal(38, 2))
  end as value
from texts
