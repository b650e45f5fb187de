"""The auditors' ledger: every award and every verdict of the portal, found, recomputed and taken along. Reads only."""
