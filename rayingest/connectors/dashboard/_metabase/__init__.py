"""Metabase's own: how it writes questions down."""
