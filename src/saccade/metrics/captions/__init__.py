"""How good captions are: coco-caption's numbers in Python alone; ``scores`` brings them together."""
