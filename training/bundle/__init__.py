"""Scripts that make the bundled models; not shipped."""
