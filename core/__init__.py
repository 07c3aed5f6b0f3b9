"""Values, errors and retries that every package shares; imports nothing of ours."""
