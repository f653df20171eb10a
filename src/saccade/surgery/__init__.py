"""Changing a trained network so that it computes the same in another way."""
