"""For the tests of clients: fixtures, data, comparisons."""
