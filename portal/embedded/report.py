"""What a person at the terminal reads: the one address, who can sign in, what runs, what it costs in memory."""

from collections.abc import Mapping

from portal.embedded import processes
from portal.embedded.installation import Installation
from portal.embedded.layout import Layout
from portal.embedded.supervision import Supervisor

MEGABYTE = 1024 * 1024


def print_welcome(installation: Installation, *, seconds: float) -> None:
    """After the start: everything needed to begin, and nothing else."""
    print(f"\nOpen PaaS is ready after {seconds:.0f} s:  {installation.wishes.address.url}\n")
    if installation.summary.exists():
        print(installation.summary.read_text().rstrip() + "\n")
    print("Running: " + ", ".join(program.says for program in installation.programs if not program.once) + ".")
    if installation.has_site:
        print("The training site's model store is filled in the background at the first start.")
    elif installation.wishes.site:
        print(
            "The embedded training site is OFF: its environment (.venv-site) is not there. You can do everything up "
            "to launching; jobs wait in the queue until a site is connected. `make run` tries again."
        )
    print(f"Data and logs: {installation.layout.data}   Stop: Ctrl-C", flush=True)


def rows(layout: Layout, holder: Mapping[str, object]) -> list[tuple[str, str, int, int]]:
    """Each program's name, state, process id and bytes of memory, its children counted in."""
    found = []
    run_pid = int(str(holder.get("pid", 0)))
    supervised = 0
    for name, info in Supervisor(layout).states().items():
        pid = int(str(info["pid"]))
        held = processes.tree_memory(pid) if pid else 0
        supervised += held
        found.append((name, str(info["statename"]).lower(), pid, held))
    own = processes.tree_memory(run_pid) - supervised
    return [*found, ("supervisor", "running", run_pid, max(own, 0))]


def print_status(layout: Layout, holder: Mapping[str, object]) -> None:
    print(f"Open PaaS runs at {holder.get('url')}\n")
    table = rows(layout, holder)
    for name, state, pid, held in table:
        print(f"  {name:<12} {state:<10} {pid or '':>8} {held / MEGABYTE:>8.0f} MB")
    total = sum(held for _name, _state, _pid, held in table)
    print(f"  {'total':<12} {'':<10} {'':>8} {total / MEGABYTE:>8.0f} MB (shared pages divided among those who share)")
