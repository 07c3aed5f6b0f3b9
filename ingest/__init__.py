"""Documents in: read files, cut passages, compare with the store, write."""
