"""The embedded mode: everything the portal needs, on one machine, from one command.

`make run` comes here. One git-ignored folder holds all data; one supervisor from a well-kept package keeps every
program alive; Ctrl-C leaves no process behind. Nothing of this is imported when the portal runs on real servers.
"""
