from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    label = "jobs"

    def ready(self) -> None:
        from accounts.state_aid.bundles import sources
        from catalog.liveness import register_capacity, register_last_heard
        from jobs.allocations.evidence import decision_facts
        from jobs.dashboard.pulse import last_heard
        from jobs.erasure import register_part
        from jobs.sites.capacity import public_capacity
        from jobs.sites.wording import describe_health

        register_last_heard(last_heard)
        register_capacity(public_capacity)
        describe_health()
        register_part()
        sources.register(decision_facts)
