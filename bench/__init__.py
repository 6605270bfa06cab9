"""Measurements, each a comparison within one run."""
