from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    label = "jobs"

    def ready(self) -> None:
        from accounts.state_aid.bundles import sources
        from catalog.liveness import register_last_heard
        from jobs.allocations.evidence import decision_facts
        from jobs.dashboard.pulse import last_heard
        from jobs.erasure import register_part

        register_last_heard(last_heard)
        register_part()
        sources.register(decision_facts)
