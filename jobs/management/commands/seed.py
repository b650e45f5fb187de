"""`manage.py seed`: the curated catalogue; in the embedded mode also the demonstration site and its people."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.demonstration import create_demonstration_people
from catalog.records import RecordError
from catalog.seeding import Report, seed_catalogue
from portal.kernel.clock import now

DEMONSTRATION_SITE = "local"


class Command(BaseCommand):
    help = "Loads the curated catalogue. Safe to run again: what a person has edited since stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = seed_catalogue(demonstration=settings.EMBEDDED)
        except RecordError as error:
            raise CommandError(f"Nothing was loaded. {error}") from error
        self.tell(report, loud=options["verbosity"] > 1)
        if settings.EMBEDDED:
            create_demonstration_people(site_slug=DEMONSTRATION_SITE, at=now())
            self.stdout.write("Demonstration people are there; `make run` names them.")

    def tell(self, report: Report, *, loud: bool) -> None:
        for word, counted in (("created", report.created), ("updated", report.updated)):
            for name, count in sorted(counted.items()):
                self.stdout.write(f"{name}: {count} {word}")
        if report.kept:
            self.stdout.write(f"{len(report.kept)} rows keep what a person edited.")
            for line in report.kept if loud else ():
                self.stdout.write(f"  {line}")
        if not report.created and not report.updated:
            self.stdout.write("The catalogue is up to date.")
