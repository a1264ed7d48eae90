"""Detectors on histograms of gradients, which train nothing."""
