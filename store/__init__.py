"""Where passages are kept: the store protocol, filters, and what both stores share."""
