"""How static files are served: hashed names, compressed copies."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


def without_source_maps(patterns):
    """Django's patterns of references inside static files, less those to source maps."""
    kept = {kind: [rule for rule in rules if "sourceMappingURL" not in str(rule)] for kind, rules in patterns}
    return tuple((kind, tuple(rules)) for kind, rules in kept.items() if rules)


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Vendored files are unmodified, so they name source maps that we do not ship; these names are left alone."""

    patterns = without_source_maps(HashedFilesMixin.patterns)
