-- A folded date in one of its usual spellings as yyyy-mm-dd, and what follows it as it stands. A weekday before it is not
-- looked at. With slashes the month goes first, as in the United States; with points the day does.
select
  case
    when raw rlike '^[0-9]{4}(-[0-9]{1,2}-|/[0-9]{1,2}/|[.][0-9]{1,2}[.])[0-9]{1,2}([t ,].*)?$'
      then
        concat(
          substring(raw, 1, 4),
          '-',
          lpad(regexp_extract(raw, '^[0-9]{4}[-/.]([0-9]{1,2})', 1), 2, '0'),
          '-',
          lpad(regexp_extract(raw, '^[0-9]{4}[-/.][0-9]{1,2}[-/.]([0-9]{1,2})', 1), 2, '0'),
          regexp_extract(raw, '^[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(.*)$', 1)
        )
    when raw rlike '^[0-9]{8}([t ].*)?$'
      then concat(substring(raw, 1, 4), '-', substring(raw, 5, 2), '-', substring(raw, 7, 2), substring(raw, 9, 200))
    when raw rlike '^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}([ ,].*)?$'
      then
        concat(
          regexp_extract(raw, '/([0-9]{4})', 1),
          '-',
          lpad(regexp_extract(raw, '^([0-9]{1,2})/', 1), 2, '0'),
          '-',
          lpad(regexp_extract(raw, '^[0-9]{1,2}/([0-9]{1,2})', 1), 2, '0'),
          regexp_extract(raw, '/[0-9]{4}(.*)$', 1)
        )
    when raw rlike '^[0-9]{1,2}[.] ?[0-9]{1,2}[.] ?[0-9]{4}([ ,].*)?$'
      then
        concat(
          regexp_extract(raw, '[.] ?([0-9]{4})', 1),
          '-',
          lpad(regexp_extract(raw, '^[0-9]{1,2}[.] ?([0-9]{1,2})', 1), 2, '0'),
          '-',
          lpad(regexp_extract(raw, '^([0-9]{1,2})[.]', 1), 2, '0'),
          regexp_extract(raw, '[.] ?[0-9]{4}(.*)$', 1)
        )
    when raw rlike '^((mon|tue(s)?|wed(nes)?|thu(rs?)?|fri|sat(ur)?|sun)(day)?[.,]* )?(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)[.]? [0-9]{1,2}(st|nd|rd|th)?,? [0-9]{4}([ ,].*)?$'
      then
        concat(
          regexp_extract(raw, '[a-z.] [0-9]{1,2}[a-z]*,? ([0-9]{4})', 1),
          '-',
          substring(
            'jan01feb02mar03apr04may05jun06jul07aug08sep09oct10nov11dec12',
            3 + locate(
              regexp_extract(raw, '([a-z]{3})[a-z]*[.]? [0-9]', 1),
              'jan01feb02mar03apr04may05jun06jul07aug08sep09oct10nov11dec12'
            ),
            2
          ),
          '-',
          lpad(regexp_extract(raw, '[a-z.] ([0-9]{1,2})', 1), 2, '0'),
          regexp_extract(raw, '[a-z.] [0-9]{1,2}[a-z]*,? [0-9]{4}(.*)$', 1)
        )
    when raw rlike '^((mon|tue(s)?|wed(nes)?|thu(rs?)?|fri|sat(ur)?|sun)(day)?[.,]* )?[0-9]{1,2}(st|nd|rd|th|[.])?[ -](jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)[.]?,?[ -][0-9]{4}([ ,].*)?$'
      then
        concat(
          regexp_extract(raw, '[0-9][a-z.]*[ -][a-z]+[.]?,?[ -]([0-9]{4})', 1),
          '-',
          substring(
            'jan01feb02mar03apr04may05jun06jul07aug08sep09oct10nov11dec12',
            3 + locate(
              regexp_extract(raw, '[0-9][a-z.]*[ -]([a-z]{3})', 1),
              'jan01feb02mar03apr04may05jun06jul07aug08sep09oct10nov11dec12'
            ),
            2
          ),
          '-',
          lpad(regexp_extract(raw, '([0-9]{1,2})[a-z.]*[ -][a-z]', 1), 2, '0'),
          regexp_extract(raw, '[0-9][a-z.]*[ -][a-z]+[.]?,?[ -][0-9]{4}(.*)$', 1)
        )
  end as value
from texts
