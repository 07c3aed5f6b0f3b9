"""Scripts that make the bundled models. They are not part of the wheel."""
