"""Tools that make models: the ONNX graphs of the bundled ones, and `resift train`."""
