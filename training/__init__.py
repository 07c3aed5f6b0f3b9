"""Train rerankers (`resift train`): mining, training, export to int8 ONNX, calibration and the model card."""
