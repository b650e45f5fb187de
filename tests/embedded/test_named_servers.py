"""Real servers in place of embedded ones: a wrong address is one sentence."""

import os

import pytest

from portal.embedded.layout import EmbeddedError
from portal.embedded.named_servers import check_broker, check_database


def test_a_database_that_can_be_opened_is_taken():
    if not os.environ.get("DATABASE_URL"):
        pytest.skip("no DATABASE_URL")
    assert check_database(os.environ["DATABASE_URL"]) is None


def test_a_database_that_does_not_answer_is_said():
    with pytest.raises(EmbeddedError, match=r"named by DATABASE_URL cannot be opened: .*refused"):
        check_database("postgresql://paas:secret@127.0.0.1:1/paas")


def test_the_sentence_holds_no_password():
    with pytest.raises(EmbeddedError) as refused:
        check_database("postgresql://paas:very-secret@127.0.0.1:1/paas")
    assert "very-secret" not in str(refused.value)


def test_another_kind_of_database_is_refused():
    with pytest.raises(EmbeddedError, match="names no PostgreSQL database"):
        check_database("sqlite:///portal.db")


def test_a_broker_that_does_not_answer_is_said():
    with pytest.raises(EmbeddedError, match="named by BROKER_URL does not answer"):
        check_broker("redis://127.0.0.1:1/0")


def test_a_broker_of_another_kind_is_left_to_celery():
    assert check_broker("amqp://127.0.0.1:1") is None
