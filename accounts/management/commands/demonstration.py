"""`manage.py demonstration`: whom one can sign in as in the embedded mode; `make run` prints it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from accounts.demonstration import DEMONSTRATION_PASSWORD, PEOPLE


class Command(BaseCommand):
    help = "Names the demonstration people of the embedded mode and their published password."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("There are demonstration people in the embedded mode only.")
        self.stdout.write(f"Sign in as (password of all: {DEMONSTRATION_PASSWORD}):")
        for person in PEOPLE:
            where = f" of {person.works_for}" if person.works_for else ""
            self.stdout.write(f"  {person.email:<20} {person.name}, {person.role.label.lower()}{where}")
        outbox = reverse("accounts:outbox")
        self.stdout.write(
            f"or sign up with any address: what the portal e-mails arrives at {settings.BASE_URL}{outbox}"
        )
