"""The sub-commands of `claims`, one module each."""
