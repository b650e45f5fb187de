"""A company with hours at a site that holds one model of each kind, and data for both recipes."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from catalog.models import StoredModel
from tests.factories import (
    make_allocation,
    make_dataset,
    make_foundation_model,
    make_organisation,
    make_partition,
    make_user,
)

REPORT = {
    "rows": {"read": 310, "usable": 300, "rejected": 10, "repeated": 0},
    "labels": [{"label": "order", "rows": 160, "share": 0.53}, {"label": "return", "rows": 140, "share": 0.47}],
    "tokens": {
        "exact": False,
        "tokenizer": "estimated",
        "rows": 300,
        "all": {"mean": 40.0, "p50": 38, "p95": 80, "max": 120, "total": 12000, "histogram": []},
        "truncation": [{"length": 128, "cut": 0, "lost": 0}, {"length": 256, "cut": 0, "lost": 0}],
    },
    "notes": [{"code": "small", "text": {"message": "There are only %(rows)s rows.", "values": {"rows": 300}}}],
    "preview": [{"text": "Where is my parcel?", "label": "order"}],
}
CHAT_PREVIEW = [
    {"messages": [{"role": "user", "content": "Do you ship to Malta?"}, {"role": "assistant", "content": "We do."}]}
]


def store(model, site, revision="rev-1"):
    return StoredModel.objects.create(
        model=model, site=site, revision=revision, last_reported_at=datetime.now(UTC), tokenizer_config={}
    )


@pytest.fixture
def house(db, client):
    owner = make_user()
    organisation = make_organisation(owner=owner)
    partition = make_partition()
    allocation = make_allocation(organisation=organisation, partition=partition)
    encoder = make_foundation_model(task="embedding", name="Little Encoder", licence_spdx="Apache-2.0")
    writer = make_foundation_model(name="Little Writer")
    for model in (encoder, writer):
        store(model, partition.site)
    labelled = make_dataset(organisation=organisation, kind="classification", name="Messages", report=REPORT)
    talks = make_dataset(
        organisation=organisation,
        kind="chat",
        name="Conversations",
        report={**REPORT, "labels": [], "preview": CHAT_PREVIEW},
    )
    client.force_login(owner)
    return SimpleNamespace(
        owner=owner, organisation=organisation, allocation=allocation, partition=partition, site=partition.site,
        encoder=encoder, writer=writer, labelled=labelled, talks=talks,
    )  # fmt: skip
