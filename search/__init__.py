"""The first stage: the legs of a search, retrieval and fusion."""
