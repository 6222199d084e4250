"""Reports and figures as pure functions of the event log and the ledger."""
