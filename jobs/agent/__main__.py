"""`python -m jobs.agent enrol|run|status|doctor|drain`."""

import sys

from jobs.agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
