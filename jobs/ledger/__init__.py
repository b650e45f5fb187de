"""The book of granted GPU time: grant, reserve, settle, reverse. Entries are born, never edited."""
