"""Duties with clocks: what the law wants done about an award, by which day, and who is told when the day comes near."""
