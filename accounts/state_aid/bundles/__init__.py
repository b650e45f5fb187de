"""Answers to requests for information: everything about a State's awards in one file that proves itself."""
