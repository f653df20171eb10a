"""Receptive fields, followed through a forward pass operation by operation."""
