"""Dashboard tools, one module each."""
