"""Multiply-adds, parameters and trainable shares of a network as other tools count them, beside ours."""
