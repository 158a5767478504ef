"""Layers: one small file each, a forward pass that returns its own way back."""
