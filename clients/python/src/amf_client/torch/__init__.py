"""For policies that are networks in PyTorch; the extra `torch`."""
