"""Options, in the groups that commands share."""
