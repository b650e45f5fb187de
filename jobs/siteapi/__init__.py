"""The federation protocol, portal side."""
