"""A one-time code with which a site's agent enrols; shown once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.models import Site
from jobs.siteapi.services import create_enrolment_code
from portal.kernel.clock import now


class Command(BaseCommand):
    help = "Prints a one-time enrolment code for a site's agent. It is valid for a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("site", help="the site's slug, as in its address")

    def handle(self, *args: Any, **options: Any) -> None:
        site = Site.objects.filter(slug=options["site"]).first()
        if site is None:
            raise CommandError(f"There is no site {options['site']!r}.")
        self.stdout.write(create_enrolment_code(site=site, actor=None, at=now()))
