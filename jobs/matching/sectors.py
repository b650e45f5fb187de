"""Which divisions of NACE Rev. 2.1 a site means when it names a sector it works for. Pure."""

SECTORS: dict[str, tuple[tuple[int, int], ...]] = {
    "agriculture": ((1, 3),),
    "automotive": ((29, 29), (45, 45)),
    "aerospace": ((30, 30),),
    "biotechnology": ((21, 21), (72, 72)),
    "construction": ((41, 43),),
    "creative industries": ((58, 60), (90, 93)),
    "education": ((85, 85),),
    "energy": ((35, 35),),
    "environment": ((36, 39),),
    "finance": ((64, 66),),
    "health": ((21, 21), (86, 88)),
    "information technology": ((61, 63),),
    "logistics": ((49, 53),),
    "manufacturing": ((10, 33),),
    "media": ((58, 60),),
    "mobility": ((29, 30), (49, 53)),
    "public administration": ((84, 84),),
    "research": ((72, 72),),
    "retail": ((46, 47),),
    "tourism": ((55, 56), (79, 79)),
}


def works_for(sectors: tuple[str, ...], nace: str) -> bool | None:
    """Whether a site with this focus works for a company of that activity; None where nothing can be said.

    A focus is a word of SECTORS or a NACE code of its own ("62", "86.1"). A site without a focus works for all.
    """
    digits = nace[:2]
    if not sectors or not digits.isdigit():
        return None
    division, known = int(digits), False
    for word in sectors:
        spans = SECTORS.get(word.strip().casefold())
        if spans is not None:
            known = True
            if any(low <= division <= high for low, high in spans):
                return True
        elif word[:2].isdigit():
            known = True
            if nace.startswith(word.strip()):
                return True
    return False if known else None
