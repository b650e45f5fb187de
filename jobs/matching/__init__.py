"""Which site suits a job or a request: hard limits first, then explained scores."""
