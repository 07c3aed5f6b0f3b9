"""ONNX graphs of the bundled model family."""
