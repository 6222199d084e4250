-- A date as yyyy-mm-dd with the time that follows it as hh:mm:ss, its fraction, and Z or the offset as +hh:mm.
select
  case
    when raw rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then raw
    when raw rlike '^[0-9-]{10}t[0-9]{4}([0-9]{2})?z?$'
      then
        concat(
          substring(raw, 1, 10),
          ' ',
          substring(raw, 12, 2),
          ':',
          substring(raw, 14, 2),
          ':',
          coalesce(nullif(regexp_extract(raw, 't[0-9]{4}([0-9]{2})', 1), ''), '00'),
          case when raw rlike 'z$' then 'Z' else '' end
        )
    when
      raw rlike '^[0-9-]{10}(t|,? (at )?)([0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?|(0?[1-9]|1[0-2])(:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?)? ?[ap]([.]m[.]|m)) ?(z|utc|gmt|[+-][0-9]{2}(:?[0-9]{2})?)?$'
      then
        concat(
          substring(raw, 1, 10),
          ' ',
          case
            when raw rlike '[0-9 ]p[.]?m'
              then lpad(cast(12 + cast(regexp_extract(raw, '^[0-9-]{10}[^0-9]+([0-9]{1,2})', 1) as int) % 12 as string), 2, '0')
            when raw rlike '[0-9 ]a[.]?m'
              then lpad(cast(cast(regexp_extract(raw, '^[0-9-]{10}[^0-9]+([0-9]{1,2})', 1) as int) % 12 as string), 2, '0')
            else lpad(regexp_extract(raw, '^[0-9-]{10}[^0-9]+([0-9]{1,2})', 1), 2, '0')
          end,
          ':',
          coalesce(nullif(regexp_extract(raw, '^[0-9-]{10}[^0-9]+[0-9]{1,2}:([0-9]{2})', 1), ''), '00'),
          ':',
          coalesce(nullif(regexp_extract(raw, '^[0-9-]{10}[^0-9]+[0-9]{1,2}:[0-9]{2}:([0-9]{2}([.][0-9]{1,6})?)', 1), ''), '00'),
          case
            when raw rlike '(z|utc|gmt)$' then 'Z'
            when raw rlike '[+-][0-9]{2}$' then concat(right(raw, 3), ':00')
            when raw rlike '[+-][0-9]{4}$' then concat(substring(right(raw, 5), 1, 3), ':', right(raw, 2))
            when raw rlike '[+-][0-9]{2}:[0-9]{2}$' then right(raw, 6)
            else ''
          end
        )
  end as value
from texts
