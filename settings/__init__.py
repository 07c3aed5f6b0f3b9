"""Settings: their sections, where they are read from, and how problems are reported."""
