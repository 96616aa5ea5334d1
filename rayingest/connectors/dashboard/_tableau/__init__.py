"""Tableau's sign-in, its two APIs, and what becomes of their answers."""
