"""Connects the embedded site: a one-time code for its agent, in a configuration only its owner can read.

Run at each `make run`. As long as the agent of that folder is enrolled here, nothing is changed.
"""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from catalog.models import Site
from jobs.models import SiteAgent
from jobs.siteapi import portal_keys
from jobs.siteapi.services import create_enrolment_code
from portal.kernel.clock import now

SITE = "local"


class Command(BaseCommand):
    help = "Writes the configuration of the embedded site's agent, with a one-time enrolment code."

    def add_arguments(self, parser: CommandParser) -> None:
        data = Path(settings.DATA_DIR)
        parser.add_argument("--out", type=Path, default=data / "agent" / "agent.toml", help="the file to write")
        parser.add_argument("--store", type=Path, default=data / "store", help="the site's model store")
        parser.add_argument("--work", type=Path, default=None, help="the agent's folder; default: beside the file")
        parser.add_argument("--python", default="", help="Python of the site environment; default: the agent's own")
        parser.add_argument("--url", default=settings.BASE_URL, help="where the agent finds the portal")

    def handle(self, *args: Any, **options: Any) -> None:
        out = Path(options["out"]).absolute()
        work = Path(options["work"] or out.parent).absolute()
        site = Site.objects.filter(slug=SITE).first()
        if site is None:
            raise CommandError("There is no site 'local'. Run `manage.py seed` first.")
        store = Path(options["store"]).absolute()
        enrolled = out.exists() and self._enrolled(work, site)
        python = options["python"]
        code = _code_in(out)
        known = {"url": options["url"], "work": work, "store": store, "python": python, "country": site.country}
        if enrolled and out.read_text() == _render(**known, code=code):
            return
        with transaction.atomic():
            if not enrolled:
                code = create_enrolment_code(site=site, actor=None, at=now())
            _write(out, _render(**known, code=code))
        self.stdout.write(f"The site's agent finds its configuration in {out}.")

    @staticmethod
    def _enrolled(work: Path, site: Site) -> bool:
        """Whether the agent of that folder is known here, and knows this very portal."""
        try:
            identity = json.loads((work / "identity.json").read_text())
        except (OSError, ValueError):
            return False
        agent = SiteAgent.objects.filter(pk=identity["agent_id"], site=site, revoked_at__isnull=True)
        known = agent.filter(keys__public_key=identity["public_key"], keys__revoked_at__isnull=True)
        return known.exists() and identity["portal_public_key"] in portal_keys.accepted()


def _render(*, url: str, work: Path, store: Path, python: str, code: str, country: str) -> str:
    """TOML; JSON's text literals are TOML's."""
    text = json.dumps
    lines = [
        "# Written by `manage.py embedded_agent_config`; docs/agent.md explains every key.",
        "[portal]",
        f"url = {text(url)}",
        f"enrolment_code = {text(code)}",
        "",
        "[agent]",
        'name = "embedded"',
        f"work = {text(str(work))}",
        f"store = {text(str(store))}",
        'backend = "local"',
        'on_stop = "suspend"',
        f"country = {text(country)}",
        "",
        "[allow]",
        'recipes = ["chat", "classify"]',
        "max_gpus = 1",
        "max_minutes = 1440",
        "",
        "[backend.local]",
        "gpus = 1",
    ]
    return "\n".join([*lines, *([f"python = {text(python)}"] if python else []), ""])


def _code_in(path: Path) -> str:
    if not path.exists():
        return ""
    for line in path.read_text().splitlines():
        if line.startswith("enrolment_code"):
            return str(json.loads(line.partition("=")[2]))
    return ""


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
