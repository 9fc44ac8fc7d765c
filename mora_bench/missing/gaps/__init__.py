"""Mechanisms that take values inside a modality: gaps of a signal."""
