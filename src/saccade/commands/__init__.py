"""One file a command, in a straight line."""
