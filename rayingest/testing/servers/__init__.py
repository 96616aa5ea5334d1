"""Servers for tests that need an environment of their own: a product or an emulator out of PyPI."""
