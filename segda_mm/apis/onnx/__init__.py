"""ONNX graphs of trained networks: written, compared, quantised."""
