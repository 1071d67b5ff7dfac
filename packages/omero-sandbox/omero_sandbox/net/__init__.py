"""Ice, the router, sessions and calls."""
