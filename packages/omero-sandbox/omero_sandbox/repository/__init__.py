"""The managed repository: where originals lie, how they come in."""
