"""Finding the files to ingest, and opening them without leaving the allowed folders."""
