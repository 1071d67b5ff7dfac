"""Restores the content of images: what the target has already is kept, the rest changed, made or removed."""
