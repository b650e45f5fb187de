"""Curated records of open foundation models. Facts carry where they were read and whether that was verified."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector, SearchVectorField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.models.curated import Curated
from catalog.models.site import Site
from catalog.names import words_to_find
from portal.kernel.models import TimeStamped


class FoundationModelQuerySet(models.QuerySet["FoundationModel"]):
    def ready_at_connected_site(self) -> Self:
        """Models that a connected site reports to hold: runs with them can start now."""
        held = StoredModel.objects.filter(model=OuterRef("pk"), site__status=Site.Status.CONNECTED)
        return self.filter(Exists(held))

    def speaks(self, code: str) -> Self:
        """Models whose list names the language, and those whose source gives only a number of languages."""
        return self.filter(Q(languages__contains=[code]) | Q(languages=[]) & ~Q(language_words=""))

    def search(self, words: str) -> Self:
        """Full-text search over name, provider, licence, languages, summary and note, best first.

        Half a name is found too: nobody types "Qwen3-0.6B" to its end.
        """
        query = SearchQuery(words, config="simple", search_type="websearch")
        return (
            self.filter(Q(search=query) | Q(name__icontains=words) | Q(hf_repo__icontains=words))
            .annotate(rank=SearchRank(F("search"), query))
            .order_by(F("rank").desc(nulls_last=True), "name")
        )

    def refresh_search(self) -> None:
        """Writes the search column anew. Languages are found by their names, which the rows hold as codes only."""
        for pk, codes in self.values_list("pk", "languages"):
            self.filter(pk=pk).update(
                search=SearchVector("name", "hf_repo", weight="A", config="simple")
                + SearchVector("provider", "summary", "licence_spdx", weight="B", config="simple")
                + SearchVector(Value(words_to_find(codes)), "language_words", "note", weight="C", config="simple")
            )


class FoundationModel(TimeStamped, Curated):
    """A model somebody may start from. `slug` is our own id and the folder in a site's store: repositories move."""

    class Task(models.TextChoices):
        TEXT_GENERATION = "text-generation", _("Writes text")
        EMBEDDING = "embedding", _("Understands text (encoder)")
        SPEECH = "speech", _("Writes down speech")
        IMAGE = "image", _("Understands images")
        VISION_LANGUAGE = "vision-language", _("Images and text")
        TRANSLATION = "translation", _("Translation")
        OTHER = "other", _("Other")

    slug = models.SlugField(unique=True, max_length=100)
    name = models.CharField(max_length=120)
    hf_repo = models.CharField(max_length=200, blank=True)
    revision = models.CharField(max_length=64, blank=True)
    task = models.CharField(max_length=30, choices=Task.choices)
    summary = models.TextField(blank=True)
    note = models.TextField(blank=True)
    provider = models.CharField(max_length=200)
    provider_country = models.CharField(max_length=40, blank=True)
    release = models.CharField(max_length=20, blank=True)
    languages = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    language_words = models.TextField(blank=True)
    licence_spdx = models.CharField(max_length=80)
    licence_words = models.TextField(blank=True)
    commercial_use = models.BooleanField(null=True, blank=True)
    gated = models.BooleanField(null=True, blank=True)
    # Shape: what the estimate is computed from. Null where nobody has read it.
    params = models.BigIntegerField(null=True, blank=True)
    layers = models.PositiveIntegerField(null=True, blank=True)
    hidden = models.PositiveIntegerField(null=True, blank=True)
    intermediate = models.PositiveIntegerField(null=True, blank=True)
    heads = models.PositiveIntegerField(null=True, blank=True)
    kv_heads = models.PositiveIntegerField(null=True, blank=True)
    head_dim = models.PositiveIntegerField(null=True, blank=True)
    vocab = models.PositiveIntegerField(null=True, blank=True)
    tied_embeddings = models.BooleanField(null=True, blank=True)
    mlp_matrices = models.PositiveSmallIntegerField(null=True, blank=True)
    context = models.PositiveIntegerField(null=True, blank=True)
    verified = models.BooleanField(default=False)
    verified_fields = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    source = models.TextField(blank=True)
    is_demonstration = models.BooleanField(default=False)
    search = SearchVectorField(null=True, editable=False)

    objects: ClassVar = FoundationModelQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        indexes = (GinIndex(fields=["search"], name="foundation_model_search"),)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:model", args=[self.slug])

    @property
    def has_shape(self) -> bool:
        """Whether memory and time can be computed for it."""
        return None not in (self.layers, self.hidden, self.intermediate, self.heads, self.vocab)


class StoredModel(TimeStamped):
    """A model that a site reports to hold in its store, with the tokenizer the portal counts with."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="stored_models")
    model = models.ForeignKey(FoundationModel, on_delete=models.CASCADE, related_name="stored_at")
    revision = models.CharField(max_length=128)
    last_reported_at = models.DateTimeField()
    # tokenizer.json (Hugging Face `tokenizers` format) and the chat template; empty until the agent has sent them.
    tokenizer_json = models.BinaryField(null=True)
    tokenizer_config = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["site", "model"], name="one_stored_model_per_site"),)

    def __str__(self) -> str:
        return f"{self.model} at {self.site}"
