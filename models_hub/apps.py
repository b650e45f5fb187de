from django.apps import AppConfig


class ModelsHubConfig(AppConfig):
    name = "models_hub"
    label = "models_hub"
