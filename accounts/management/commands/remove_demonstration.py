"""`manage.py remove_demonstration`: erases the people whose password is published."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.erasure import erase_person
from accounts.models import User
from portal.kernel.clock import now


class Command(BaseCommand):
    help = "Erase every demonstration account. What they signed stays, without their name."

    def handle(self, *args: Any, **options: Any) -> None:
        people = User.objects.filter(is_demonstration=True, is_active=True)
        for person in people:
            erase_person(actor=None, person=person, at=now())
        self.stdout.write(f"{len(people)} demonstration accounts were erased.")
