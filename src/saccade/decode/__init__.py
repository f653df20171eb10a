"""From a network's output to a prediction."""
