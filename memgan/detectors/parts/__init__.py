"""What detectors are made of: networks, memory, losses, and the loops they share."""
