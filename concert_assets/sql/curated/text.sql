select raw as value from texts
