-- The instant in UTC where the text gives an offset or Z, else the time as it stands, whose zone timestamp_basis.sql tells.
-- The first branch is the usual spelling and nothing but cheap. 24:00 is unreadable, for the engines differ on it; so is
-- an offset that no place on earth has. On the first and last day that dates can tell, a time of another zone than UTC may
-- lie beyond them and is unreadable as well. Ten digits from 10 to 18 are seconds since 1970 (until 2030), thirteen are
-- milliseconds; ten digits from 19 on might as well be a date and an hour, and are unreadable.
select
  case
    when
      raw rlike '^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$'
      then try_cast(substring(raw, 1, 19) as timestamp_ntz)
    when
      raw rlike '^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6}0*)?)? ?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?$'
      and not (raw rlike '^(0001-01-01|9999-12-31).*:' and not raw rlike 'Z$')
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
    when raw rlike '^(1[0-8][0-9]{8}|1[0-9]{12})$'
      then
        timestampadd(
          millisecond,
          cast(concat('0', substring(raw, 11, 3)) as int),
          timestampadd(second, cast(substring(raw, 1, 10) as int), cast('1970-01-01 00:00:00' as timestamp_ntz))
        )
  end as value
from texts
