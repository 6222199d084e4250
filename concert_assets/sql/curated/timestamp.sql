-- The instant in UTC where the text gives an offset or Z, else the time as it stands, whose zone timestamp_basis.sql tells.
select
  case
    when
      raw rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)? ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$'
      and substring(raw, 1, 4) <> '0000'
      then
        timestampadd(
          minute,
          case
            when raw rlike ':.*[+-][0-9]{2}:?[0-9]{2}$'
              then
                cast(concat(substring(regexp_extract(raw, '[+-][0-9]{2}:?[0-9]{2}$', 0), 1, 1), '1') as int)
                * -1
                * (
                  60 * cast(substring(regexp_extract(raw, '[+-][0-9]{2}:?[0-9]{2}$', 0), 2, 2) as int)
                  + cast(right(raw, 2) as int)
                )
            else 0
          end,
          try_cast(
            concat(
              substring(raw, 1, 10),
              ' ',
              coalesce(
                nullif(regexp_extract(raw, '[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?', 0), ''),
                '00:00'
              )
            ) as timestamp_ntz
          )
        )
  end as value
from texts
