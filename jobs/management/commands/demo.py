"""`manage.py demo`: the whole journey without a browser, through the same services, each step told as it happens.

It needs a running worker and a connected site agent; `make demo` starts both for as long as it takes.
"""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.services import create_organisation, declare_size, record_account_year
from accounts.state_aid.services import declare_aid, headroom
from catalog.models import AccessMode, Partition, Site, StoredModel
from jobs.applications.checks import shown
from jobs.applications.services import save_draft, start_application, submit_application
from jobs.ledger.services import balance
from jobs.models import Allocation, Job
from jobs.wizard.drafts import CODES, Draft
from jobs.wizard.services import save_step, start_draft
from jobs.wizard.starting import NotReady, start_run
from models_hub.datasets.services import add_sample
from models_hub.models import Dataset, TunedModel
from models_hub.states import DatasetState
from portal.kernel.clock import now, today
from portal.kernel.errors import DomainError
from portal.ui.numbers import money

RUNS: dict[str, dict[str, Any]] = {
    "classify": {"model": "minilm-demo", "sample": "support-topics", "training": {"effort": "standard"}},
    "chat": {
        "model": "tiny-llama-demo",
        "sample": "shop-assistant",
        "training": {"method": "lora", "effort": "standard"},
    },
}
PATIENCE_SECONDS = 1800


class Command(BaseCommand):
    help = "Walks from a first visit to a fine-tuned model and says what happened at each step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--recipe", choices=sorted(RUNS), default="classify")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(_("The demonstration makes up people and companies; it only runs in the embedded mode."))
        self.step = 0
        started = time.monotonic()
        try:
            self.walk(options["recipe"])
        except NotReady as refusal:
            raise CommandError(str(refusal)) from refusal
        except DomainError as refusal:
            raise CommandError(f"{refusal.code}: {refusal.sentence}") from refusal
        self.tell(_("Done"), f"{time.monotonic() - started:.0f} s")

    def walk(self, recipe: str) -> None:
        run = RUNS[recipe]
        person = self.person()
        organisation = self.company(person)
        allocation = self.hours(person, organisation)
        dataset = self.data(person, organisation, run["sample"])
        self.wait(
            lambda: StoredModel.objects.filter(model__slug=run["model"], tokenizer_json__isnull=False).exists(),
            _("the site to report that it holds %(model)s") % {"model": run["model"]},
        )
        job = self.job(person, organisation, allocation, dataset, recipe, run)
        self.watch(job)
        self.result(job, allocation)

    def tell(self, title: str, detail: str = "") -> None:
        self.step += 1
        self.stdout.write(f"{self.step:2d}. {title}" + (f": {detail}" if detail else ""))
        self.stdout.flush()

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            if time.monotonic() > end:
                raise CommandError(
                    _("Waited %(s)s s for %(what)s; is `make run` running?") % {"s": PATIENCE_SECONDS, "what": what}
                )
            time.sleep(1)

    def person(self) -> User:
        person = User.objects.create_user(
            f"demo-{uuid4().hex[:8]}@example.eu", None, full_name="Demo Person", is_demonstration=True
        )
        self.tell(_("Somebody signs up"), person.email)
        return person

    def company(self, person: User) -> Organisation:
        organisation = create_organisation(
            actor=person,
            legal_name="Demo Weavers S.à r.l.",
            country="LU",
            euid=f"LURCSL.B{uuid4().int % 10**9}",
            nace_code="13.20",
            street="1 rue du Métier",
            city="Esch-sur-Alzette",
            is_demonstration=True,
        )
        self.tell(_("Registers a company"), f"{organisation.legal_name}, {organisation.euid}")
        record_account_year(
            actor=person,
            organisation=organisation,
            year_end=date(today().year - 1, 12, 31),
            headcount_awu=Decimal("14.5"),
            turnover_eur=Decimal(2_100_000),
            balance_sheet_eur=Decimal(1_300_000),
            basis="approved",
            on=today(),
        )
        size = declare_size(actor=person, organisation=organisation, autonomous=True, on=today())
        self.tell(_("Signs its size"), str(size.get_size_class_display()))
        declare_aid(organisation=organisation, items=[], actor=person, on=today())
        self.tell(_("Declares that it had no other public support"))
        return organisation

    def hours(self, person: User, organisation: Organisation) -> Allocation:
        mode = AccessMode.objects.open_on(today()).get(decided_by=AccessMode.DecidedBy.POLICY)
        partition = (
            Partition.objects.filter(site__in=Site.objects.connected().filter(offers_starter=True))
            .select_related("site")
            .first()
        )
        if partition is None:
            raise CommandError(_("No connected site offers starter hours; run `manage.py seed` first."))
        request = start_application(organisation=organisation, mode=mode, actor=person, at=now())
        answers = {
            "title": "Sort our post",
            "purpose": "Sort incoming customer messages by topic, in six languages.",
            "site": partition.site,
            "partition": partition,
            "data_declaration": {"sources": "sample data", "personal_data": False, "answered": True},
            "ai_act": {"prohibited": [], "high_risk": [], "transparency": [], "answered": True},
        }
        save_draft(application=request, answers=answers, actor=person)
        request = submit_application(application=request, actor=person, at=now())
        request.refresh_from_db()
        for row in shown(request.decision.checks):
            self.stdout.write(f"      {row['outcome']:4} {row['title']}: {row['text']}")
        self.tell(_("Asks for starter hours"), f"{request.reference} {request.get_state_display()}")
        allocation = Allocation.objects.select_related("site").get(application=request)
        room = headroom(organisation=organisation, granting_state=allocation.site.granting_state, on=today())
        self.tell(_("Holds an allocation"), f"{allocation.reference}, {allocation.granted_gpu_seconds // 3600} GPU-h")
        self.tell(_("Public support still free"), f"{money(room.left)} / {money(room.ceiling)}")
        return allocation

    def data(self, person: User, organisation: Organisation, code: str) -> Dataset:
        dataset = add_sample(organisation=organisation, actor=person, code=code, at=now())
        self.wait(lambda: self.fresh(dataset).state not in (DatasetState.UPLOADED, DatasetState.CHECKING), dataset.name)
        if dataset.state != DatasetState.READY:
            raise CommandError(f"{dataset.name}: {dataset.get_state_display()} {dataset.sentence}")
        self.tell(_("Takes sample data, checked and split"), f"{dataset.name}, {dataset.rows} rows")
        return dataset

    @staticmethod
    def fresh(row: Any) -> Any:
        row.refresh_from_db()
        return row

    def job(
        self, person: User, organisation: Organisation, allocation: Allocation, dataset: Dataset, recipe: str, run: dict
    ) -> Job:
        row = start_draft(organisation=organisation, actor=person, at=now(), recipe=recipe)
        answers = {
            "goal": {"goal": recipe, "base_model": run["model"], "name": f"Demo {recipe}"},
            "data": {"dataset": str(dataset.pk), "personal_data": "none", "rights": True},
            "training": {**run["training"], "place": str(allocation.pk), "gpus": 1},
            "evaluation": {
                "samples": 5,
                "intended_use": "Sorting the incoming messages of a customer service.",
                "high_risk": "none",
                "areas": [],
                "prohibited": True,
                "licence_accepted": True,
            },
        }
        for number, code in enumerate(CODES[:-1], start=1):
            row = save_step(draft=row, step=number, code=code, answers=answers[code], actor=person, at=now())
        job = start_run(draft=Draft(row=row, user=person, on=today()), actor=person, at=now())
        seconds = job.estimate.get("seconds", {})
        self.tell(_("Goes through the wizard and starts the run"), f"{job.reference} {seconds or ''}")
        return job

    def watch(self, job: Job) -> None:
        said = ""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.fresh(job).is_final and time.monotonic() < end:
            line = f"      {job.get_state_display()} {job.progress} %"
            if line != said:
                self.stdout.write(line)
                self.stdout.flush()
                said = line
            time.sleep(1)
        if job.state != "done":
            raise CommandError(f"{job.reference}: {job.get_state_display()} {job.hint_code} {job.sentence}")
        self.tell(_("The site has finished"), job.reference)

    def result(self, job: Job, allocation: Allocation) -> None:
        tuned = TunedModel.objects.get(job_id=job.pk)
        before, after = tuned.result.get("before") or {}, tuned.result.get("after") or {}
        measure = tuned.result.get("headline", "loss")
        figures = f"{measure} {before.get(measure)} -> {after.get(measure)}"
        self.tell(_("A model is in Results"), f"{tuned.name}, {figures}, {tuned.files.count()} files")
        if not tuned.result.get("improved"):
            raise CommandError(_("The model did not become better than the base."))
        used = balance(allocation)
        self.tell(_("Charged once, the rest given back"), f"{used.used} GPU-s, {used.reserved} set aside")
