"""Brings the database, the static files and the site's enrolment up to date; run as a program of its own at each start.

One process for all steps, since most of a step's time is Django's own start.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path

from portal.embedded.layout import ROOT, Layout, write_private


def static_fingerprint(folders: list[Path]) -> str:
    """Changes when a static file is added, removed or written."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found = path.stat()
                digest.update(f"{path}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect_static(layout: Layout) -> None:
    """Compressing takes seconds, so it is done only when something changed."""
    import django
    from django.core.management import call_command

    mark = static_fingerprint([ROOT / "static", ROOT / "requirements"]) + django.get_version()
    stamp = layout.data / "cache" / "static-collected"
    if stamp.exists() and stamp.read_text() == mark:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(mark)


def compile_messages(folder: Path = ROOT / "locale") -> int:
    """Compiles the catalogues that changed, in pure Python; returns how many. Only sources are committed."""
    compiled = 0
    for source in folder.glob("*/LC_MESSAGES/django.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        draft = target.with_suffix(".mo.new")
        with draft.open("wb") as file:
            write_mo(file, catalogue)
        draft.replace(target)
        compiled += 1
    return compiled


def main() -> int:
    parser = argparse.ArgumentParser(description="Prepare the embedded portal's data; see `make run`.")
    parser.add_argument("--without-site", action="store_true")
    parser.add_argument("--summary", type=Path, required=True, help="where to write what a person should read")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    compile_messages()

    import django
    from django.core.management import call_command

    django.setup()
    layout = Layout.from_environment()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("seed")
    with arguments.summary.open("w") as summary:
        call_command("demonstration", stdout=summary)
    if not arguments.without_site:
        call_command("embedded_agent_config", out=str(layout.agent_config), stdout=sys.stderr)
        if layout.agent_config.exists():
            write_private(layout.agent_config, layout.agent_config.read_bytes())
    collect_static(layout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
