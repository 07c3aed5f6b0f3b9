"""Models: the bundled ones with their cards, the code that runs local models, and clients of model endpoints."""
