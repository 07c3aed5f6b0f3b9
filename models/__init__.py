"""The bundled models: their files and cards, the code that runs them, and the one place where they run."""
