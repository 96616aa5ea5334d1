"""What sources behind HTTP share."""
