"""Where work may go and where it had best go: hard rules, explained scores, and the facts they look at."""
