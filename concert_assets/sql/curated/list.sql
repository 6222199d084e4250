-- A JSON list of texts, numbers, true, false and null stays as it is. It is one if, with every element made an empty text
-- and all but the first taken out, an empty list or one of one element is left; a pattern of the whole would overflow the
-- stack of Spark's engine. What is longer than any column holds is not looked into, and refused for its length.
select
  case
    when
      octet_length(raw) > 4000
      or raw rlike '^\\[[^\\n]*\\]$'
      and not raw rlike '^\\[ *,'
      and regexp_replace(
        regexp_replace(
          regexp_replace(
            regexp_replace(raw, '\\\\(["\\\\/bfnrt]|u[0-9a-fA-F]{4})', '_'), '"[^"\\\\\\x00-\\x1f]*"', '""'
          ),
          '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?|true|false|null',
          '""'
        ),
        ' *, *""',
        ''
      ) rlike '^\\[ *("")? *\\]$'
      then raw
  end as value
from texts
