"""How well text was found and read: the numbers of ICDAR 2015's scripts; ``scores`` brings them together."""
