from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"

    def ready(self) -> None:
        from accounts import checks  # noqa: F401  registers the system checks
        from accounts.frame import read_visitor
        from portal.ui.visitors import register_reader

        register_reader(read_visitor)
