"""How good a network is: pure functions of NumPy arrays, and over each family one thin stateful class.

Only ``stateful`` imports torch and torchmetrics; everything else needs NumPy, and METEOR's tables polars. Undefined
numbers are NaN in arrays and plain floats, and ``None`` in ``Scores``. ``docs/metrics.md`` defines each number.
"""
