-- A text of elements, apart by ; or |, or by commas where neither of these stands in it, as a JSON list of texts. Space
-- around an element and empty elements are dropped. A text that begins as a JSON list or object is none, nor is one of
-- several lines.
select
  case
    when raw rlike '^[^\\x00-\\x1f\\[{][^\\x00-\\x1f]*$'
      then
        replace(
          concat(
            '["',
            case
              when raw rlike '[;|]'
                then
                  regexp_replace(
                    regexp_replace(
                      replace(replace(raw, '\\', '\\\\'), '"', '\\"'),
                      '^[;| \\x{a0}\\x{2000}-\\x{200b}]+|[;| \\x{a0}\\x{2000}-\\x{200b}]+$',
                      ''
                    ),
                    '[ \\x{a0}\\x{2000}-\\x{200b}]*[;|][;| \\x{a0}\\x{2000}-\\x{200b}]*',
                    '","'
                  )
              else
                regexp_replace(
                  regexp_replace(
                    replace(replace(raw, '\\', '\\\\'), '"', '\\"'),
                    '^[, \\x{a0}\\x{2000}-\\x{200b}]+|[, \\x{a0}\\x{2000}-\\x{200b}]+$',
                    ''
                  ),
                  '[ \\x{a0}\\x{2000}-\\x{200b}]*,[, \\x{a0}\\x{2000}-\\x{200b}]*',
                  '","'
                )
            end,
            '"]'
          ),
          '[""]',
          '[]'
        )
  end as value
from texts
