"""A training of two ranks on two nodes that do not trust each other's word: real torch.distributed over gloo."""

import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist


def main() -> None:
    arguments = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(rank)
    # Data-parallel least squares: each rank has rows of its own, and the gradient is the mean of both.
    truth = torch.tensor([2.0, -3.0])
    rows = torch.randn(64, 2)
    weights = torch.zeros(2, requires_grad=True)
    for _ in range(200):
        loss = ((rows @ weights - rows @ truth) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, weights)
        dist.all_reduce(gradient)
        with torch.no_grad():
            weights -= 0.1 * gradient / size
    mine = {"rank": rank, "node": os.environ["SLURMD_NODENAME"], "weights": weights.tolist(), "loss": loss.item()}
    everybody = [None] * size
    dist.all_gather_object(everybody, mine)
    if rank == 0:
        out = Path(arguments["--out"])
        out.mkdir(parents=True, exist_ok=True)
        (out / "ranks.json").write_text(json.dumps(everybody))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
