"""Stands in for torchrun: says what it was called with, and starts the ranks of its node as torchrun would."""

import os
import subprocess
import sys


def main() -> int:
    words = dict(one.removeprefix("--").partition("=")[::2] for one in sys.argv[1:] if one.startswith("--"))
    command = sys.argv[sys.argv.index("--no-python") + 1 :]
    each, node = int(words["nproc-per-node"]), int(words["node-rank"])
    ranks = []
    for local in range(each):
        names = {
            "RANK": node * each + local, "LOCAL_RANK": local, "WORLD_SIZE": int(words["nnodes"]) * each,
            "MASTER_ADDR": words["master-addr"], "MASTER_PORT": words["master-port"],
        }  # fmt: skip
        ranks.append(
            subprocess.Popen(command, env={**os.environ, **{name: str(value) for name, value in names.items()}})
        )
    return max(rank.wait() for rank in ranks)


if __name__ == "__main__":
    sys.exit(main())
