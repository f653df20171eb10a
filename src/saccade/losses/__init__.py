"""What the optimiser makes small: pure functions from logits and targets to ``ImageLoss``.

All of them compute in float32 at least, whatever mixed precision makes of the logits, and stay finite for
logits of any finite size.
"""
