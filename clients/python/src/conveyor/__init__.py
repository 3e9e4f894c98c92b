"""The Python client of Conveyor, and a runtime for drivers.

A driver does the work of a pipeline's steps. It is a name, what it listens to, and a function:

    greeter = conveyor.Driver("greeter", greet, definitions=["person"])
    conveyor.Manager("http://127.0.0.1:8080", greeter).run_until_signal()

`Manager` keeps the stream to the server, and the tasks while there is none. `Task` is what the function is
given, `Result` what it gives back, `Logger` where it logs. The function is cancelled, as asyncio does it,
when the work is to stop; `task.cancellation` says why. For everything else there is `Client`.

A task may be delivered more than once (after a crash, to another instance), so work must bear to be done
again.

Inside, the rules of the protocol are in ledger.py and held.py, without I/O; session.py and stream.py speak
with the server; work.py carries out one task; lines.py keeps log lines until they are stored.
"""

from conveyor.cancel import Cancellation, CancelReason
from conveyor.client import Change, Client
from conveyor.driver import Driver, Reconcile
from conveyor.errors import RefusedError, UnreachableError
from conveyor.logger import LineWriter, Logger
from conveyor.manager import Manager
from conveyor.resource import Resource
from conveyor.result import Result, failure, success
from conveyor.retry import retried
from conveyor.task import Step, StepResult, Task
from conveyor.v1.driver_service_pb2 import Message
from conveyor.v1.log_service_pb2 import LogEntry
from conveyor.version import VERSION as __version__

__all__ = [
    "CancelReason",
    "Cancellation",
    "Change",
    "Client",
    "Driver",
    "LineWriter",
    "LogEntry",
    "Logger",
    "Manager",
    "Message",
    "Reconcile",
    "RefusedError",
    "Resource",
    "Result",
    "Step",
    "StepResult",
    "Task",
    "UnreachableError",
    "__version__",
    "failure",
    "retried",
    "success",
]
