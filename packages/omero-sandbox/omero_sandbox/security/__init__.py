"""Users, groups, permissions, and who may see and change what."""
