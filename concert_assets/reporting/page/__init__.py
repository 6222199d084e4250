"""The report page: one self-contained HTML document drawn from the two JSON reports and the figures' data."""
