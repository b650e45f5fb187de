"""The small agent as of the first version of the protocol: it knows no feature."""

import sys

from jobs.conformance import small_agent

small_agent.FEATURES.clear()

if __name__ == "__main__":
    sys.exit(small_agent.main())
