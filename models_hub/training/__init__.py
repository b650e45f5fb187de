"""The runtime that a site executes for one fine-tuning job. Torch lives here and nowhere else, imported late.

Read docs/training-runtime.md for the contract: commands, files, events and exit codes.
"""
