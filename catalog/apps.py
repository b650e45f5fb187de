from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    label = "catalog"

    def ready(self) -> None:
        from accounts import site_directory
        from catalog.erasure import register_part
        from catalog.selectors import landing_sites, site_grantors, site_names
        from portal.ui.landing import register_sites

        register_part()
        register_sites(landing_sites)
        site_directory.register(site_names)
        site_directory.register_grantors(site_grantors)
