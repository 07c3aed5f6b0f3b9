"""From bytes to structured text, whatever the format."""
