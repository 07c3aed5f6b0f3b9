"""Tools that make models: the ONNX graph of the bundled one, and its card."""
