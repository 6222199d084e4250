-- A folded number without its separators: thousands apart by comma, space or apostrophe, or by points where a decimal
-- comma or a second point proves them; a decimal comma where it cannot be one of thousands. So 1,234 is a thousand and
-- more, 12,50 and 1234,5 are not, and 1234,567 is neither.
select
  case
    when raw rlike '^[+-]?[0-9]+([.][0-9]*)?$' then raw
    when raw rlike '^[+-]?[.][0-9]+$' then regexp_replace(raw, '[.]', '0.')
    when raw rlike '^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+([.][0-9]+)?$' then regexp_replace(raw, ',', '')
    when raw rlike '^[+-]?[1-9][0-9]{0,2}(( [0-9]{3})+|(\'[0-9]{3})+)([.,][0-9]+)?$'
      then regexp_replace(regexp_replace(raw, '[ \']', ''), ',', '.')
    when raw rlike '^[+-]?[1-9][0-9]{0,2}([.][0-9]{3})+,[0-9]{1,2}$'
      then regexp_replace(regexp_replace(raw, '[.]', ''), ',', '.')
    when raw rlike '^[+-]?[1-9][0-9]{0,2}([.][0-9]{3}){2,}$' then regexp_replace(raw, '[.]', '')
    when raw rlike '^[+-]?([0-9]+,[0-9]{1,2}|0,[0-9]+)$' then regexp_replace(raw, ',', '.')
  end as value
from texts
