-- More decimals than the column holds are unreadable rather than rounded; trailing zeros are not more. An exponent is
-- unreadable too: spreadsheets write one where they have dropped digits. So is 12.500, which may be twelve and a half or,
-- where the point parts thousands, twelve thousand and more; no thousands begin with 0 or have four digits before a point.
select
  case
    when
      raw rlike '^[+-]?[0-9]{1,18}([.][0-9]{1,2}0*)?$'
      and not raw rlike '^[+-]?[1-9][0-9]{0,2}[.][0-9]{3}$'
      then cast(raw as decimal(38, 2))
  end as value
from texts
