select lower(raw) as value from texts
