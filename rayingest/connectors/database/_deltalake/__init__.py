"""Delta Lake: where its tables lie, and what their logs tell."""
