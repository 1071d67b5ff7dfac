"""RO-Crates on disk: a folder, a zip or a tar. Knows nothing of servers."""
