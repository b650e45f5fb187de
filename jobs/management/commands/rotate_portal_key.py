"""Replaces the key with which the portal signs work, without a pause at any site."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from jobs.siteapi import portal_keys
from jobs.siteapi.services import agents_without_newest_key, note_portal_key
from portal.kernel.clock import now

SEEN_WITHIN = timedelta(days=30)


class Command(BaseCommand):
    help = (
        "Makes a new signing key, which the present one introduces to the agents. Run it again with --retire once all "
        "agents know the new key: then the old one counts no more. With several machines, copy the files over."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--retire", action="store_true", help="give up the older keys")
        parser.add_argument("--force", action="store_true", help="also while agents know only an older one")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retire"]:
            self._retire(force=options["force"])
            return
        name = portal_keys.rotate()
        with transaction.atomic():
            note_portal_key(action="portal.key_rotated", name=name)
        self.stdout.write(f"The portal's newest key is {name}. Agents hear of it with their next message.")
        self.stdout.write("When all have, run this command with --retire.")

    def _retire(self, *, force: bool) -> None:
        behind = agents_without_newest_key(name=portal_keys.newest_name(), since=now() - SEEN_WITHIN)
        if behind and not force:
            names = "\n  ".join(str(agent) for agent in behind)
            raise CommandError(
                f"These agents have not taken up the newest key:\n  {names}\nWait until they have, or use --force: "
                "they must then enrol again with a new code."
            )
        names = portal_keys.retire_old()
        with transaction.atomic():
            note_portal_key(action="portal.keys_retired", name=portal_keys.newest_name(), retired=names)
        self.stdout.write(f"Given up: {', '.join(names)}." if names else "There is no older key.")
