"""All that a command shows: text for people, JSON lines for machines."""
