"""Networks in plain torch; they know neither config nor Lightning."""
