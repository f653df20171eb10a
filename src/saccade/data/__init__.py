"""Readers of data sets on disk, the images themselves, and the built-in scenes."""
