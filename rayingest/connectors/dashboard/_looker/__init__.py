"""Looker, through its official SDK."""
