"""The strict catalogue from inside: its rules, its routes, its mischief."""
