"""`manage.py appoint_administrator EMAIL`: makes the first administrator of a new installation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import appoint_first_administrator
from portal.kernel.errors import DomainError


class Command(BaseCommand):
    help = "Make a person who has signed up the first administrator. Further ones are named on the page for roles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email=options["email"].lower(), is_active=True).first()
        if person is None:
            raise CommandError("Nobody with this address has an account. Sign up in the browser first.")
        try:
            appoint_first_administrator(user=person)
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{person.email} is administrator and must add a passkey or code app at the next sign-in.")
