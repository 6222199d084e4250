"""A double of AWS Glue on a free port of 127.0.0.1 that really runs the uploaded script with the uploaded wheel.

It speaks Glue's JSON protocol; what is not of its jobs it hands to moto, so that one endpoint serves all. A run is a
process of a chosen interpreter in a folder of its own, which finds the wheel, the modules that the job asks for and
what Glue has built in, but neither the repository nor anything else that is installed here.
"""

import http.client
import json
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.session import get_session

from concert_assets_tests.support_glue_process import Interpreter, JobProcess

ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"}
REAL = "real"  # the fate of a run that is a process and ends as it ends; any other is a state in which it stays
RESET, LOST_ANSWER = "reset", "lost answer"  # faults of the connection; any other is the code of an error
_LOGS = "/aws-glue/jobs"
SYSTEM_LINE = "INFO LogPusher: stopping"


@dataclass
class Run:
    """One run; ``states`` are told one a look, the last for ever."""

    run_id: str
    job: str
    arguments: dict[str, str]
    states: deque[str] = field(default_factory=deque)
    error: str = ""
    process: JobProcess | None = None
    looks: int = 0

    @property
    def state(self) -> str:
        return self.states[0]

    def told(self) -> dict[str, Any]:
        """The run as Glue tells of it, which then moves on by a state."""
        self.looks += 1
        told = {
            "Id": self.run_id,
            "JobName": self.job,
            "JobRunState": self.state,
            "Arguments": self.arguments,
            "LogGroupName": _LOGS,
            "StartedOn": time.time(),
        }
        if self.error:
            told["ErrorMessage"] = self.error
        if len(self.states) > 1:
            self.states.popleft()
        return told


class GlueError(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@cache
def _members(shape: str) -> frozenset[str]:
    return frozenset(get_session().get_service_model("glue").shape_for(shape).members)


class GlueDouble:
    """Jobs and runs; ``url`` is where it listens. Faults are planned by operation, fates by run."""

    def __init__(self, moto_url: str, folder: Path, interpreter: Interpreter) -> None:
        self.moto_url = moto_url
        self.folder = folder
        self.interpreter = interpreter
        self.url = ""
        self.jobs: dict[str, dict[str, Any]] = {}
        self.runs: list[Run] = []
        self.calls: list[str] = []
        self.faults: dict[str, deque[str]] = defaultdict(deque)
        self.fates: deque[list[str]] = deque()
        self._lock = threading.Lock()
        logs = boto3.client("logs", endpoint_url=moto_url, region_name="us-east-1")
        self._logs = logs
        groups = {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]}
        for name in {f"{_LOGS}/output", f"{_LOGS}/error"} - groups:
            logs.create_log_group(logGroupName=name)

    def plan(self, operation: str, fault: str, times: int = 1) -> None:
        """Let the next calls of an operation fail."""
        self.faults[operation].extend([fault] * times)

    def fate(self, *states: str) -> None:
        """Let the next run pass through states, one a look, without a process, and stay in the last."""
        self.fates.append(list(states))

    def orphans(self) -> list[str]:
        """The runs that have not ended, as Glue or as the machine sees it."""
        return [
            run.run_id
            for run in self.runs
            if run.state not in ENDED or (run.process is not None and run.process.is_alive())
        ]

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """What an operation answers, and what then becomes of the answer on the way."""
        self.calls.append(operation)
        fault = self.faults[operation].popleft() if self.faults[operation] else ""
        if fault == RESET:
            return None, fault
        if fault and fault != LOST_ANSWER:
            status = 500 if fault.startswith("Internal") else 400
            raise GlueError(fault, f"{operation} is answered with {fault}", status)
        with self._lock:
            return getattr(self, f"_{operation}")(**request), fault

    def log(self, group: str, stream: str, lines: list[str]) -> None:
        """Write lines to CloudWatch, to a stream that is not there yet."""
        now = int(time.time() * 1000)
        if events := [{"timestamp": now, "message": line} for line in lines if line]:
            place = {"logGroupName": f"{_LOGS}/{group}", "logStreamName": stream}
            self._logs.create_log_stream(**place)
            self._logs.put_log_events(**place, logEvents=events)

    def close(self) -> None:
        """End what still runs."""
        for run in self.runs:
            if run.process is not None:
                run.process.kill()

    def _job(self, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise GlueError("EntityNotFoundException", f"Job {name} is not found")
        return self.jobs[name]

    def _CreateJob(self, Name: str, **definition: Any) -> dict[str, Any]:
        if Name in self.jobs:
            raise GlueError("AlreadyExistsException", f"Job {Name} already exists")
        self.jobs[Name] = self._checked("CreateJobRequest", definition)
        return {"Name": Name}

    def _UpdateJob(self, JobName: str, JobUpdate: dict[str, Any]) -> dict[str, Any]:
        self._job(JobName)
        self.jobs[JobName] = self._checked("JobUpdate", JobUpdate)
        return {"JobName": JobName}

    def _checked(self, shape: str, definition: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(definition) - _members(shape):
            raise GlueError("InvalidInputException", f"unknown fields: {sorted(unknown)}")
        if not definition["Role"].startswith("arn:aws:iam::"):
            raise GlueError("InvalidInputException", "Role should be given assume role permissions for Glue Service.")
        if {"MaxCapacity", "AllocatedCapacity"} & set(definition) and "WorkerType" in definition:
            raise GlueError("InvalidInputException", "Please do not set MaxCapacity if using WorkerType")
        return definition

    def _GetJob(self, JobName: str) -> dict[str, Any]:
        job = self._job(JobName)
        workers = job["NumberOfWorkers"]
        computed = {"Name": JobName, "CreatedOn": 1.0, "LastModifiedOn": 2.0, "MaxCapacity": float(workers)}
        return {"Job": {**job, **computed, "AllocatedCapacity": workers}}

    def _StartJobRun(self, JobName: str, Arguments: dict[str, str]) -> dict[str, Any]:
        job = self._job(JobName)
        running = [run for run in self.runs if run.job == JobName and run.state not in ENDED]
        if len(running) >= job["ExecutionProperty"]["MaxConcurrentRuns"]:
            raise GlueError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {JobName}")
        run = Run(f"jr_{uuid.uuid4().hex}", JobName, Arguments)
        run.states.extend(self.fates.popleft() if self.fates else [REAL])
        self.runs.insert(0, run)
        if run.state == REAL:
            run.states = deque(["STARTING", "RUNNING"])
            script = Arguments.get("--scriptLocation", job["Command"]["ScriptLocation"])
            run.process = JobProcess(
                self.interpreter, self.folder / run.run_id, self.moto_url, script, {"--JOB_NAME": JobName, **Arguments}
            )
            threading.Thread(target=self._see_to_the_end, args=(run, run.process), daemon=True).start()
        return {"JobRunId": run.run_id}

    def _see_to_the_end(self, run: Run, process: JobProcess) -> None:
        code, lines = process.wait()
        # As Glue 5.0 has it: what the program prints to either stream here, what the system logs there.
        self.log("output", run.run_id, lines)
        self.log("error", run.run_id, [SYSTEM_LINE])
        with self._lock:
            if run.state in ENDED:
                return
            if run.state == "STOPPING":
                run.states = deque(["STOPPED"])
            elif code == 0:
                run.states = deque(["SUCCEEDED"])
            else:
                run.error = f"Command failed with exit code {code}"
                run.states = deque(["FAILED"])

    def _run(self, job: str, run_id: str) -> Run:
        for run in self.runs:
            if (run.job, run.run_id) == (job, run_id):
                return run
        raise GlueError("EntityNotFoundException", f"Job run {run_id} is not found")

    def _GetJobRun(self, JobName: str, RunId: str) -> dict[str, Any]:
        return {"JobRun": self._run(JobName, RunId).told()}

    def _GetJobRuns(self, JobName: str, MaxResults: int) -> dict[str, Any]:
        self._job(JobName)
        return {"JobRuns": [run.told() for run in self.runs if run.job == JobName][:MaxResults]}

    def _BatchStopJobRun(self, JobName: str, JobRunIds: list[str]) -> dict[str, Any]:
        for run in (self._run(JobName, run_id) for run_id in JobRunIds):
            if run.state in ENDED:
                continue
            run.states = deque(["STOPPING"] if run.process else ["STOPPING", "STOPPED"])
            if run.process is not None:
                run.process.kill()
        return {"SuccessfulSubmissions": [{"JobName": JobName, "JobRunId": run_id} for run_id in JobRunIds]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double: GlueDouble

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        if service != "AWSGlue" or not hasattr(self.double, f"_{operation}"):
            self.forward(body)
            return
        try:
            answer, fault = self.double.answer(operation, json.loads(body))
        except GlueError as error:
            self.send(error.status, {}, json.dumps({"__type": error.code, "message": str(error)}).encode())
            return
        if fault:
            self.close_connection = True
            self.connection.close()
        else:
            self.send(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode())

    def forward(self, body: bytes) -> None:
        place = urlsplit(self.double.moto_url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        found = connection.getresponse()
        data = found.read()
        connection.close()
        self.send(found.status, dict(found.headers), data)

    def send(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response_only(status)
        length = headers.pop("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, address: object) -> None:
        """A connection that was reset is what this is for."""


@contextmanager
def glue_double(moto_url: str, folder: Path, interpreter: Interpreter | None = None) -> Iterator[GlueDouble]:
    """A double before a moto server, whose runs are ended with it."""
    double = GlueDouble(moto_url, folder, interpreter or Interpreter())
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"double": double}))
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        double.close()
