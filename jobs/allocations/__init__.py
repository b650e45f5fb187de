"""Granted hours as people see them, and how administrators change them."""
