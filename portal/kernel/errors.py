"""Errors that speak twice: a code for machines, a sentence for people that says what to do next."""


class DomainError(Exception):
    """A rule said no. `sentence` is shown to the person, `code` goes into problem documents and tests.

    `field` names the form field it belongs to, when there is one; `status` is the HTTP status of an API answer.
    """

    status = 409

    def __init__(self, code: str, sentence: str, *, field: str | None = None, status: int | None = None) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.field = field
        if status is not None:
            self.status = status


class NotAllowed(DomainError):
    """The actor can see the thing but may not do this to it."""

    status = 403
