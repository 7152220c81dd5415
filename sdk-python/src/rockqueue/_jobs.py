"""Typed jobs: a decorator that keeps a handler's signature, so that a push is checked like a call."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from rockqueue._annotations import value_decoder
from rockqueue._client import Client
from rockqueue._durations import Seconds
from rockqueue._errors import PayloadError
from rockqueue._models import Job, PushedJob, completed_result
from rockqueue._options import JobOptions, NewJob
from rockqueue._payloads import Decoder, PayloadCodec
from rockqueue._schedules import Schedule, ScheduleOptions
from rockqueue._sync import SyncClient
from rockqueue._worker.context import JobContext

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")

DEFAULT_QUEUE = "default"


class JobDefinition(Generic[P, R_co]):
    """A kind of job: its handler, and how to push it. Made by `job`.

    Calling it calls the handler, as a unit test does. The payload on the wire is an object with the arguments by
    name, so that other languages can push and handle the same job.
    """

    def __init__(self, handler: Callable[..., R_co], queue: str, name: str, options: JobOptions) -> None:
        self.handler = handler
        self.queue = queue
        self.name = name
        self.default_options = options
        self.signature = Signature.of(handler)
        self._result_decoder: tuple[PayloadCodec, Decoder | None] | None = None
        self.__doc__ = handler.__doc__
        self.__wrapped__ = handler

    def __call__(self, *args: Any, **kwargs: Any) -> R_co:
        return self.handler(*args, **kwargs)

    def new(self, *args: P.args, **kwargs: P.kwargs) -> NewJob:
        """The job, to be pushed by `push_many`, `push` or `JobContext.follow_up`. Raises TypeError like a call."""
        return NewJob(self.queue, self.name, self.signature.payload(args, kwargs), **self.default_options)

    @overload
    def push(self, client: Client, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[PushedJob]: ...
    @overload
    def push(self, client: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> PushedJob: ...
    def push(
        self, client: Client | SyncClient, /, *args: P.args, **kwargs: P.kwargs
    ) -> PushedJob | Awaitable[PushedJob]:
        """Pushes the job: `await send_email.push(client, to="ada@example.com")`. Raises what `Client.push` does."""
        return client.push(self.new(*args, **kwargs))

    @overload
    def result(
        self: JobDefinition[..., Coroutine[Any, Any, T]],
        client: Client,
        job_id: str,
        /,
        *,
        timeout: Seconds | None = None,
    ) -> Awaitable[T]: ...
    @overload
    def result(
        self: JobDefinition[..., Coroutine[Any, Any, T]],
        client: SyncClient,
        job_id: str,
        /,
        *,
        timeout: Seconds | None = None,
    ) -> T: ...
    @overload
    def result(self, client: Client, job_id: str, /, *, timeout: Seconds | None = None) -> Awaitable[R_co]: ...
    @overload
    def result(self, client: SyncClient, job_id: str, /, *, timeout: Seconds | None = None) -> R_co: ...
    def result(self, client: Client | SyncClient, job_id: str, /, *, timeout: Seconds | None = None) -> Any:
        """Waits for a job of this kind and gives its result, as annotated when the codec understands types.

        Raises JobFailed, JobNotFound, DeadlineExceeded, PayloadError.
        """
        if isinstance(client, SyncClient):
            return self._result_of(client.wait(job_id, timeout=timeout), client.codec)
        return self._result_later(client, job_id, timeout)

    async def _result_later(self, client: Client, job_id: str, timeout: Seconds | None) -> Any:
        return self._result_of(await client.wait(job_id, timeout=timeout), client.codec)

    def _result_of(self, job: Job, codec: PayloadCodec) -> Any:
        found = self._result_decoder
        if found is None or found[0] is not codec:
            found = self._result_decoder = codec, value_decoder(codec, self.handler, "return")
        decode, plain = found[1], completed_result(job)
        return decode(job.proto.result, job.proto.result_content_type) if decode and plain is not None else plain

    def options(self, *, queue: str | None = None, **options: Unpack[JobOptions]) -> JobDefinition[P, R_co]:
        """The same job with other options: `send_email.options(priority=10).push(client, to=...)`."""
        merged = cast(JobOptions, {**self.default_options, **options})
        return JobDefinition(self.handler, queue or self.queue, self.name, merged)

    def schedule(self, name: str, **options: Unpack[ScheduleOptions]) -> JobSchedule[P]:
        """When the job comes again and again: `digest.schedule("nightly", cron="0 3 * * *").put(client, days=1)`."""
        return JobSchedule(self, name, options)

    def __repr__(self) -> str:
        return f"<job {self.name} in queue {self.queue}>"


class JobSchedule(Generic[P]):
    """A schedule for a typed job, to be put; made by `JobDefinition.schedule`."""

    def __init__(self, definition: JobDefinition[P, Any], name: str, options: ScheduleOptions) -> None:
        self._definition = definition
        self.name = name
        self.options = options

    @overload
    def put(self, client: Client, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[Schedule]: ...
    @overload
    def put(self, client: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Schedule: ...
    def put(self, client: Client | SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Schedule | Awaitable[Schedule]:
        """Makes the schedule, or replaces the one of this name; the arguments are those of its jobs.

        Raises what `Schedules.put` does.
        """
        return client.schedules.put(self.name, self._definition.new(*args, **kwargs), **self.options)


class Signature:
    """A handler's parameters without the context: arguments to payload, payload to arguments."""

    def __init__(self, parameters: list[inspect.Parameter], *, takes_context: bool) -> None:
        kinds = inspect.Parameter
        for parameter in parameters:
            if parameter.kind in (kinds.VAR_POSITIONAL, kinds.POSITIONAL_ONLY):
                raise TypeError(f"job arguments travel by name; {parameter} cannot")
        self.takes_context = takes_context
        self._open = any(parameter.kind is kinds.VAR_KEYWORD for parameter in parameters)
        named = [parameter for parameter in parameters if parameter.kind is not kinds.VAR_KEYWORD]
        self.names = frozenset(parameter.name for parameter in named)
        self._required = frozenset(parameter.name for parameter in named if parameter.default is kinds.empty)
        self._signature = inspect.Signature(parameters)

    @classmethod
    def of(cls, handler: Callable[..., Any]) -> Signature:
        """The signature of a handler. Raises TypeError for parameters that cannot travel by name."""
        parameters = list(inspect.signature(handler).parameters.values())
        takes_context = bool(parameters) and is_context(handler, parameters[0])
        return cls(parameters[1:] if takes_context else parameters, takes_context=takes_context)

    def payload(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name, as given: defaults are the handler's business. Raises TypeError."""
        if not args and self._matches(kwargs.keys()):
            return dict(kwargs)
        bound = self._signature.bind(*args, **kwargs)
        payload: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if self._open and name not in self.names:
                payload.update(value)
            else:
                payload[name] = value
        return payload

    def arguments(self, payload: Any) -> dict[str, Any]:
        """The payload as keyword arguments. Raises PayloadError when it does not fit the handler."""
        arguments: Any = {} if payload is None else payload
        if not isinstance(arguments, dict):
            raise PayloadError(f"expected an object with the arguments by name, got {type(payload).__name__}")
        found = cast("dict[str, Any]", arguments)
        if not self._matches(found.keys()):
            missing, extra = self._required - found.keys(), found.keys() - self.names
            parts = [f"missing {', '.join(sorted(missing))}"] if missing else []
            parts += [f"unknown {', '.join(sorted(extra))}"] if extra and not self._open else []
            raise PayloadError(f"the payload does not fit the handler: {'; '.join(parts)}")
        return found

    def _matches(self, given: Any) -> bool:
        return self._required <= given and (self._open or given <= self.names)


def is_context(handler: Callable[..., Any], parameter: inspect.Parameter) -> bool:
    """True when the parameter is annotated as JobContext."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        try:
            annotation = typing.get_type_hints(handler).get(parameter.name)
        except NameError:
            # An annotation that only exists for type checkers: its text has to do.
            annotation = parameter.annotation
    return annotation is JobContext or (isinstance(annotation, str) and annotation.split(".")[-1] == "JobContext")


class JobDecorator(Protocol):
    """What `job(...)` returns."""

    @overload
    def __call__(self, handler: Callable[Concatenate[JobContext, P], R], /) -> JobDefinition[P, R]: ...
    @overload
    def __call__(self, handler: Callable[P, R], /) -> JobDefinition[P, R]: ...


@overload
def job(handler: Callable[Concatenate[JobContext, P], R], /) -> JobDefinition[P, R]: ...
@overload
def job(handler: Callable[P, R], /) -> JobDefinition[P, R]: ...
@overload
def job(*, queue: str = ..., name: str | None = ..., **options: Unpack[JobOptions]) -> JobDecorator: ...
def job(
    handler: Callable[..., Any] | None = None,
    /,
    *,
    queue: str = DEFAULT_QUEUE,
    name: str | None = None,
    **options: Unpack[JobOptions],
) -> Any:
    """Makes a kind of job of a function, async or sync.

        @rockqueue.job(queue="mail", max_attempts=5)
        async def send_email(ctx: JobContext, to: str, subject: str = "Welcome") -> None: ...

    Args:
        handler: The function, when the decorator is used without arguments.
        queue: Where its jobs wait. Default: "default".
        name: What other programs call it. Default: the function's name.
        options: Defaults for its pushes.

    A first parameter annotated as `JobContext` is filled in by the worker; all others are the payload. A sync
    function runs in the worker's thread pool.
    """

    def decorate(function: Callable[..., Any]) -> JobDefinition[Any, Any]:
        return JobDefinition(function, queue, name or function.__name__, options)

    return decorate if handler is None else decorate(handler)
