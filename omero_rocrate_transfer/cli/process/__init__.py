"""The process of a command: its log, its memory, its run, its exit code."""
