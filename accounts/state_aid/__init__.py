"""State aid: pure rules over dated regimes, and the append-only rows they are judged on."""
