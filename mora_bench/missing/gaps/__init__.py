"""What takes values inside a modality: gaps of a signal."""
