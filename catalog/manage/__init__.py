"""Where an administrator edits the catalogue. Every change is checked against the role and recorded."""
