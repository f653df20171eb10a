"""From a batch or a prediction to an RGB picture."""
