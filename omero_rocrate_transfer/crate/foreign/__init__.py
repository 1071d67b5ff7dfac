"""Packs and crates that other programs wrote: read as sources, never written."""
