"""People and what they may do where."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import Organisation
from accounts.roles import ORGANISATION_ROLES, PORTAL_ROLES, SITE_ROLES, Role
from portal.kernel.models import TimeStamped, UUIDModel


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Saves a person known by e-mail address; without a password they sign in by code or passkey."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(UUIDModel, AbstractUser):
    """A person. The e-mail address is the name they sign in with."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)
    full_name = models.CharField(_("your name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Brussels")
    current_organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_demonstration = models.BooleanField(default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.full_name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.email.split("@")[0]


class RoleGrant(TimeStamped):
    """One person holds one role in one scope: an organisation, a site (by its slug), or the whole portal."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.CASCADE, related_name="role_grants"
    )
    # A slug, not a key: sites live in `catalog`, which stands above this app.
    site_slug = models.SlugField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "role", "organisation", "site_slug"], name="one_grant_per_scope", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="role_grant_scope_fits_role",
                condition=(
                    Q(role__in=sorted(ORGANISATION_ROLES), organisation__isnull=False, site_slug="")
                    | (Q(role__in=sorted(SITE_ROLES), organisation__isnull=True) & ~Q(site_slug=""))
                    | Q(role__in=sorted(PORTAL_ROLES), organisation__isnull=True, site_slug="")
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.role} {self.organisation or self.site_slug or 'portal'}"


class Invitation(UUIDModel, TimeStamped):
    """An offer to join an organisation, redeemed once by whoever proves to own the address."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=[(Role.OWNER, _("Owner")), (Role.MEMBER, _("Member"))])
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} to {self.organisation}"
