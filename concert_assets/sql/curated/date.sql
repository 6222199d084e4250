-- The guard keeps the engines' own leniencies out; the try is for days that do not exist, such as 2025-02-30. Midnight
-- says no more than the date; another time is more than a date holds and makes the text unreadable.
select
  case
    when
      raw rlike '^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-[0-9]{2}-[0-9]{2}([T ]00:00(:00([.]0+)?)?Z?)?$'
      then try_cast(substring(raw, 1, 10) as date)
  end as value
from texts
