"""Letters to beneficiaries: what was granted, under which Regulation, and what to do with that knowledge."""
