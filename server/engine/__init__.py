"""The engine: one process per data folder that holds models and store for every client on the machine."""
