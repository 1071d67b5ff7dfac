"""The command line: options, plan, run, what is shown, exit code."""
