"""Starting a cluster around a run: the objects that do it on Kubernetes, as plain values."""
