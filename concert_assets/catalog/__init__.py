"""Every table once: columns, types, units, keys, rules and owners. Standard library only."""
