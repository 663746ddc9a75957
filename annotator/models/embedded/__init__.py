"""The models that ship with the app: image features, sentence vectors and the bridge between them, on ONNX Runtime alone."""
