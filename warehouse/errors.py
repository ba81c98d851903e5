"""The errors of Questlog, as one tree.

QuestlogError            everything we raise on purpose; its message is fit for a person
├── Unavailable          try again later: 503 at the door, a retry in Airflow
│   └── LogUnusable      one durable log cannot be loaded; others can
├── BadSetting           a setting is missing or cannot be read; the start stops
├── BadTaxonomy          the event definitions have faults; all are listed
├── BadInput             a file, an argument or a request cannot be read
├── MigrationFailed      a migration failed, or a released one was changed
├── TransformationFailed a dbt node failed
├── GateClosed           data did not meet its expectations; nothing follows
├── NotEnoughData        a model cannot be trained or judged on what there is
├── DestinationRefused   an ad platform said no, finally
└── StackFailed          a process of the local stack did not start or did not stay
"""


class QuestlogError(Exception):
    """The root: a message that says what, which one and what to do."""


class Unavailable(QuestlogError):
    """Something we depend on is away; the same call may work later.

    `wait_s` is the quiet that it asked for, in seconds; 0 where it did not say.
    """

    def __init__(self, *said: object, wait_s: float = 0.0) -> None:
        super().__init__(*said)
        self.wait_s = wait_s


class LogUnusable(Unavailable):
    """What is wrong is one log's own: whoever loads several goes on with the others."""


class BadSetting(QuestlogError):
    """A setting is missing or has a value that cannot be read."""


class BadTaxonomy(QuestlogError):
    """The event definitions have faults; the message lists them all."""


class BadInput(QuestlogError):
    """What a person handed us cannot be read."""


class MigrationFailed(QuestlogError):
    """A migration could not be applied, or a released one was changed."""


class TransformationFailed(QuestlogError):
    """A dbt node failed."""


class GateClosed(QuestlogError):
    """Data did not meet its expectations; what depends on it must not run."""


class NotEnoughData(QuestlogError):
    """There is too little data to train or judge a model honestly."""


class DestinationRefused(QuestlogError):
    """An ad platform refused a call for good."""


class StackFailed(QuestlogError):
    """A process of the local stack did not start, or did not stay."""
