"""Files in object stores and folders, read as tables: what belongs together, and what its columns are."""
