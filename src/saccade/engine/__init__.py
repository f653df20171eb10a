"""Training and scoring: the only room that imports Lightning."""
