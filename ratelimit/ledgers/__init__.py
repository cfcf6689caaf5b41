"""One module per place where levels can be kept; each keeps the promises of `ratelimit.ledger`."""
