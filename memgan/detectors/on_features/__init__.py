"""Detectors that see images through a frozen network, and what they share."""
