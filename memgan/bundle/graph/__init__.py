"""A bundle's `model.onnx`: written from a detector, and read as a stranger's."""
