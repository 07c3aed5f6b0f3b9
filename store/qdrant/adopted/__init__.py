"""Collections on a Qdrant server that another program made."""
