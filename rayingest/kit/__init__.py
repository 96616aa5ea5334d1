"""The machinery that makes a connector small."""
