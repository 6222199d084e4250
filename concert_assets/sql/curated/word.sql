-- Words apart by one space, however they were joined: early-bird, early_bird, Early  Bird.
select regexp_replace(raw, '[ _-]+', ' ') as value from texts
