"""`run`: two loops, one that talks to the portal and one that moves work along, until a signal."""

import contextlib
import fcntl
import logging
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from jobs.agent.backends import backend_for
from jobs.agent.client import Portal, PortalAway, Refused
from jobs.agent.config import Config
from jobs.agent.driver import Driver
from jobs.agent.features import ProtocolUnknown
from jobs.agent.identity import Identity, Keeper, code_digest
from jobs.agent.rotation import Rotation
from jobs.agent.state import State
from jobs.agent.talk import NewerSession, Talk, pause_after

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.5
ENDED, NOT_ENROLLED, FENCED, ALREADY_HERE, OUTDATED = 0, 2, 3, 4, 5


class Agent:
    """Everything of one agent, so that tests can run one in their own process."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.keeper = Keeper(config.work)
        config.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.state = State(config.work / "agent.sqlite3")
        self.backend = backend_for(config)
        self.news = threading.Event()
        self.heard = threading.Event()
        self.stop = threading.Event()
        self.exit_code = ENDED
        self.talking = threading.Thread(target=self._talk, name="talk", daemon=True)
        self._portal: Portal | None = None
        self.rotation = Rotation(config=config, keeper=self.keeper, state=self.state)
        self.driver = Driver(config=config, state=self.state, backend=self.backend, portal=self.portal, news=self.news)

    def portal(self) -> Portal:
        if self._portal is None:
            raise PortalAway("The agent is not connected yet.")
        return self._portal

    def run(self) -> int:
        """Both loops, until `stop` is set. Returns the exit code."""
        self.talking.start()
        while not self.stop.is_set():
            self.driver.step()
            # What the portal has just said is acted on at once.
            self.heard.wait(STEP_SECONDS)
            self.heard.clear()
        self.driver.stop()
        return self.exit_code

    # ---- talking -------------------------------------------------------------------------------------------------

    def _talk(self) -> None:
        try:
            self._talk_until_stopped()
        except NewerSession as fenced:
            logger.error("%s Another agent runs with this key; this one ends.", fenced)
            self.exit_code = FENCED
        except ProtocolUnknown as unknown:
            logger.error("%s", unknown)
            self.exit_code = OUTDATED
        except Exception:
            logger.exception("The conversation with the portal broke down.")
            self.exit_code = 1
        self.stop.set()
        self.heard.set()

    def _talk_until_stopped(self) -> None:
        failures = 0
        talk: Talk | None = None
        while not self.stop.is_set():
            try:
                talk = talk or self._connect()
                if talk is None:
                    return
                pause = talk.say()
                self.heard.set()
                failures = 0
                if self.stop.is_set():
                    return
                self.rotation.step(talk.portal, can="keys" in talk.features, replace_by=talk.replace_key_by)
                if pause:
                    self.news.wait(pause) if pause < 5 else self.stop.wait(pause)
                    self.news.clear()
            except PortalAway as trouble:
                failures += 1
                logger.warning("The portal does not answer (%s).", trouble)
                self.stop.wait(pause_after(trouble, failures))
            except Refused as refusal:
                failures += 1
                logger.error("The portal refuses: %s", refusal)
                talk = None
                if self.rotation.rescue(refusal):
                    continue
                self.stop.wait(min(30.0, 2.0**failures))

    def _connect(self) -> Talk | None:
        identity = self.enrolled()
        if identity is None:
            logger.error("This agent is not enrolled. Put a code into the configuration or use the command enrol.")
            self.exit_code = NOT_ENROLLED
            return None
        if self._portal is not None:
            self._portal.close()
        self._portal = Portal(self.config, identity, self.keeper)
        talk = Talk(
            config=self.config, state=self.state, backend=self.backend, portal=self._portal, identity=identity,
            news=self.news, inputs=self.driver.inputs, held=self.driver.held,
            cache=self.driver.cache, reader=self.driver.reader,
        )  # fmt: skip
        talk.begin()
        return talk

    def enrolled(self, code: str = "") -> Identity | None:
        """The identity; enrols with the code that was given or configured, unless it has done so with that very one."""
        code = code or self.config.enrolment_code
        identity = self.keeper.identity()
        if not code or (identity is not None and identity.code_sha256 == code_digest(code)):
            return identity
        if identity is not None:
            self.keeper.new_key()
        portal = Portal(self.config, None, self.keeper)
        try:
            return portal.enrol(code)
        except Refused as refusal:
            if identity is not None or refusal.code != "key_known":
                raise
            self.keeper.new_key()
            raise PortalAway("The old key is known already; enrolling with a new one.") from refusal
        finally:
            portal.close()


def run(config: Config) -> int:
    """Runs until SIGTERM or SIGINT. One agent a work folder: a second one says so and leaves."""
    config.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    with only_one(config) as first:
        if not first:
            logger.error("Another agent is already working in %s.", config.work)
            return ALREADY_HERE
        agent = Agent(config)

        def end(number: int, frame: FrameType | None) -> None:
            agent.stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        started = time.monotonic()
        code = agent.run()
        logger.info("The agent ends after %.0f s.", time.monotonic() - started)
        return code


@contextlib.contextmanager
def only_one(config: Config) -> Iterator[bool]:
    """Holds the work folder for this process; False when another one has it."""
    with (config.work / "agent.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
