"""The database: rows in memory, and what it refuses."""
