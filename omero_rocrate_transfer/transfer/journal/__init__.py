"""What survives a crash: the journal of a run, its state, its id map."""
