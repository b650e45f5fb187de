"""The hours of an allocation, held by the site itself: a Slurm account for each, with GrpTRESMins as its hard limit.

The portal keeps the books; this is the wall behind them. Even a portal that is wrong, or is not itself any more,
cannot make an allocation use more than was granted to it, nor (`budget_most_minutes`) more than this site ever gives.

The agent's user needs to be coordinator of the account that it works under, no more: a coordinator makes accounts
below it, adds users to them and sets their limits (tried on 22.05 and 24.11).
"""

import getpass
import logging
import math
import re
import threading
import time
from collections.abc import Iterable

from jobs.agent.backends.base import Budget, Order
from jobs.agent.backends.slurm_commands import Slurm
from jobs.agent.backends.slurm_options import SlurmOptions
from jobs.agent.backends.slurm_reasons import BUDGET_NOT_HELD, SlurmTrouble
from jobs.agent.backends.wrapper import OVERTIME

logger = logging.getLogger(__name__)

# So long after it was made an account may be unknown to the controller: slurmdbd tells it in its own time.
SETTLING_SECONDS = 60.0
# So long a job that was handed over may be missing from what we read of the queue.
_UNSEEN_SECONDS = 15.0


class Budgets:
    def __init__(self, slurm: Slurm, options: SlurmOptions) -> None:
        self.slurm, self.options = slurm, options
        self._held: dict[str, int] = {}
        self._made: dict[str, float] = {}
        # Several jobs may be handed over at once: what was just held for is not in the queue yet.
        self._lately: list[tuple[float, str, int]] = []
        self._lock = threading.Lock()

    def account(self, order: Order) -> str:
        """Who pays for this order: its allocation's own account where budgets are kept, else the configured one."""
        if self.options.budgets and order.budget is not None:
            return self.options.budget_prefix + re.sub(r"[^a-z0-9._-]", "-", order.budget.allocation.lower())
        return self.options.account_for(order.tenant)

    def hold(self, order: Order, others: Iterable[int]) -> None:
        """Makes the account and sets its limit, where they are not so yet. `others`: GPUs of its jobs in the queue.

        Raises SlurmTrouble when the site does not let us; then the job is not handed over, and tried again.
        """
        if not (self.options.budgets and order.budget is not None):
            return
        with self._lock:
            self._hold(order, order.budget, sum(others))

    def _hold(self, order: Order, budget: Budget, others: int) -> None:
        name = self.account(order)
        minutes = self._minutes(budget, order.gpus + others + self._just_held(name, order.gpus))
        if self._held.get(name) == minutes:
            return
        rows = self._rows(name)
        user = getpass.getuser()
        if "" not in {one for one, _limit in rows}:
            parent = [f"parent={self.options.account}"] if self.options.account else []
            about = [f"description=allocation {budget.allocation}", "organization=open-paas"]
            self._change("add", "account", name, *parent, f"cluster={self._cluster}", *about)
            self._made[name] = time.monotonic()
        if user not in {one for one, _limit in rows}:
            self._change("add", "user", user, f"account={name}", f"cluster={self._cluster}")
            self._made[name] = time.monotonic()
        wanted = f"gres/gpu={minutes}"
        if ("", wanted) not in rows:
            where = ("where", f"name={name}", f"cluster={self._cluster}")
            self._change("modify", "account", *where, "set", f"GrpTRESMins={wanted}")
            logger.info("Account %s may use %d GPU-minutes in all.", name, minutes)
        self._held[name] = minutes

    def settling(self, order: Order) -> bool:
        """Whether the order's account is so new that the controller may not know it yet."""
        return time.monotonic() - self._made.get(self.account(order), -1e9) < SETTLING_SECONDS

    def _just_held(self, name: str, gpus: int) -> int:
        """GPUs of the account's orders of the last moments; this one joins them."""
        now = time.monotonic()
        self._lately = [one for one in self._lately if now - one[0] < _UNSEEN_SECONDS]
        found = sum(other for _at, account, other in self._lately if account == name)
        self._lately.append((now, name, gpus))
        return found

    def _minutes(self, budget: Budget, gpus: int) -> int:
        """What was granted, and the minutes by which Slurm's limit of each unfinished job is longer than its own.

        Slurm sets a job's whole limit aside while it runs. What it does not use of that comes back at its end.
        """
        beyond = math.ceil((OVERTIME + self.options.signal_seconds + 60) / 60) + 1
        granted = min(budget.gpu_minutes, self.options.budget_most_minutes or budget.gpu_minutes)
        return granted + beyond * gpus

    @property
    def _cluster(self) -> str:
        return self.slurm.config()["ClusterName"]

    def _rows(self, name: str) -> list[tuple[str, str]]:
        """User and limit of each association of the account; the account's own has no user."""
        words = ("where", f"account={name}", f"cluster={self._cluster}", "format=user,grptresmins")
        lines = self.slurm.ask("sacctmgr", "-nP", "show", "assoc", *words).splitlines()
        return [(user, limit) for user, _, limit in (line.partition("|") for line in lines)]

    def _change(self, *words: str) -> None:
        try:
            self.slurm.ask("sacctmgr", "-i", *words)
        except SlurmTrouble as trouble:
            if "nothing new added" in trouble.said.lower():
                return  # another agent of this site was quicker
            if trouble.reason.code in ("accounting_down", "munge_down", "munge_expired", "controller_down"):
                raise
            raise SlurmTrouble(BUDGET_NOT_HELD, trouble.said) from trouble
