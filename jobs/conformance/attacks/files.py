"""Files under names that lead elsewhere, larger than they may be, or behind addresses made for another."""

from jobs.conformance.attacks.base import ANY, Attack
from jobs.conformance.rogue import Stage

PATHS = (
    "/etc/passwd",
    "a%5Cb",
    ".hidden",
    "a/.b",
    "x" * 400,
    "a%20b",
    "a/b/c/d/e/f/g/h/i",
)
# Characters that no address holds: the web server or the router may refuse them before the protocol is reached.
ODD_PATHS = ("../secret", "a/../../b", "..%2Fsecret", "%2e%2e%2fx", "a%00b")


def _path(number: int, path: str) -> Attack:
    return Attack(
        f"file.path_{number}",
        f"A result that would be called {path[:30]}",
        lambda s: s.artefact(path),
        422,
        ("artefact_path",),
    )


def _odd_path(number: int, path: str) -> Attack:
    title = f"A result that would be called {path}"
    return Attack(f"file.odd_path_{number}", title, lambda s: s.artefact(path), ANY, (), recorded=False)


FILES = (
    *(_path(number, path) for number, path in enumerate(PATHS, 1)),
    *(_odd_path(number, path) for number, path in enumerate(ODD_PATHS, 1)),
    Attack(
        "file.total", "A file of negative length", lambda s: s.artefact("w", total=-1), 422, ("artefact_shape",), False
    ),
    Attack(
        "file.offset", "A piece before its file", lambda s: s.artefact("w", offset=-1), 422, ("artefact_shape",), False
    ),
    Attack(
        "file.more",
        "More than was announced",
        lambda s: s.artefact("w", b"xxx", total=1),
        422,
        ("artefact_shape",),
        False,
    ),
    Attack(
        "file.digest",
        "A digest that is none",
        lambda s: s.artefact("w", sha256="short"),
        422,
        ("artefact_shape",),
        False,
    ),
    Attack(
        "file.huge",
        "A file larger than the job can have",
        lambda s: s.artefact("w", total=10**15, sha256="a" * 64),
        413,
        ("artefact_size",),
        False,
    ),
    Attack(
        "file.input",
        "Data the job does not have",
        lambda s: s.honest.call("GET", f"/attempts/{s.key}/inputs/secret.jsonl", token=s.token),
        404,
        ("input_unknown",),
    ),
)


def _address(stage: Stage) -> str:
    """A signed address of the honest agent's data, without the prefix of the protocol."""
    url = next(str(one["url"]) for one in stage.payload["inputs"] if "url" in one)
    return "/inputs/" + url.rpartition("/inputs/")[2]


def _altered(stage: Stage) -> str:
    address = _address(stage)
    middle = len(address) // 2
    return address[:middle] + ("A" if address[middle] != "A" else "B") + address[middle + 1 :]


ADDRESSES = (
    Attack(
        "address.foreign",
        "A signed address of another site",
        lambda s: s.other.call("GET", _address(s)),
        404,
        ("address_unknown",),
    ),
    Attack(
        "address.altered",
        "A signed address that was altered",
        lambda s: s.honest.call("GET", _altered(s)),
        404,
        ("address_unknown",),
    ),
    Attack(
        "address.guessed",
        "A signed address that was guessed",
        lambda s: s.honest.call("GET", "/inputs/abc.def"),
        404,
        ("address_unknown",),
    ),
)
