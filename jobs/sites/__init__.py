"""The pages of those who look after a site: health, jobs, messages, keys, drain, accounts compared."""
