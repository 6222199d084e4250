-- A JSON list of texts, numbers, true, false and null stays as it is. What is longer than any column holds is not looked
-- into, and refused for its length.
select
  case
    when
      octet_length(raw) > 4000
      or raw rlike '^\\[ *(("[^"\\\\\\x00-\\x1f]*(\\\\(["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?|true|false|null) *(, *("[^"\\\\\\x00-\\x1f]*(\\\\(["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?|true|false|null) *)*)?\\]$'
      then raw
  end as value
from texts
