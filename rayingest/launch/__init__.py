"""Starting a cluster around a run."""
