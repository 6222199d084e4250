-- Lower case, any run of space as one space, the typographic minus and apostrophe as those of ASCII. Null for a text of
-- other letters: no spelling that is made plain holds them, and the engines fold some of them differently.
select
  case
    when
      octet_length(raw) <= 200
      and raw rlike '^[ -~\\t-\\r\\x{a0}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}\\x{2212}\\x{2019}]+$'
      then
        lower(
          regexp_replace(
            regexp_replace(
              regexp_replace(raw, '[ \\t-\\r\\x{a0}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}]+', ' '), '\\x{2212}', '-'
            ),
            '\\x{2019}',
            '\''
          )
        )
  end as value
from texts
