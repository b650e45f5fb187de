"""`python -m jobs.conformance`, the same as `open-paas-conformance`."""

import sys

from jobs.conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
