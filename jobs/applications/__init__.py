"""Asking for compute: requests, the checks they meet, the conversation, and the decision that grants hours."""
