"""Templates in Markdown, and their loader."""
