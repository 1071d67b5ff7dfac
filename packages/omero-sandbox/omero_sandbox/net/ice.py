"""Ice servants made from plain Python objects.

An implementation is any object with an attribute ``context`` (a ``ServiceContext``) and one method per
operation it supports, ``def findAllByQuery(self, call, query, params)``; it returns the answer or raises.

Quirks of Ice 3.6 for Python that are handled here:

- operations marked ``amd`` in the slice files are dispatched to ``name_async(cb, ..., current)``;
- an operation that a servant lacks answers None without any error, so every one gets a method;
- ``ice_response()`` without a value crashes the process if the operation returns one, whereas
  ``ice_response(None)`` is right for void operations too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from threading import RLock
from typing import Any

import Ice
import omero
import omero.clients

log = logging.getLogger(__name__)

_JAVA_NAMES: dict[type[Exception], str] = {
    IndexError: "java.lang.IndexOutOfBoundsException",
    NotImplementedError: "java.lang.UnsupportedOperationException",
    KeyError: "java.util.NoSuchElementException",
    AttributeError: "java.lang.NullPointerException",
    TypeError: "java.lang.NullPointerException",
    OSError: "java.io.IOException",
}
_LIFECYCLE = frozenset({"activate", "passivate", "close", "getCurrentEventContext"})


def servant(interface: type, implementation: Any) -> Any:
    """Build a servant for a slice interface.

    Parameters
    ----------
    interface : type
        A class such as ``omero.api.IQuery``.
    implementation : object
        See the module.

    Returns
    -------
    Ice.Object
        Operations of a stateful service never overlap (as ome.services' stateful beans are synchronized).
    """
    instance = _servant_class(interface)()
    instance.implementation = implementation
    instance.serial = RLock() if _is_stateful(interface) else None
    return instance


def operations(interface: type) -> list[str]:
    """Names of all operations of an interface, inherited ones included."""
    names = (name for name in dir(interface) if name.startswith("_op_") and not name.startswith("_op_ice_"))
    return sorted(name.removeprefix("_op_") for name in names)


def wrap_exception(error: BaseException) -> BaseException:
    """Translate what an implementation raised as OMERO's ServiceHandler.getAndLogException does.

    Ice and OMERO exceptions pass unchanged, ``ValueError`` is Java's IllegalArgumentException and becomes an
    ``omero.ApiUsageException``, anything else an ``omero.InternalException``.
    """
    if isinstance(error, (Ice.UserException, Ice.LocalException)):
        return error
    if isinstance(error, ValueError):
        return omero.ApiUsageException(None, "java.lang.IllegalArgumentException", str(error))
    log.error("Unexpected error in a service", exc_info=error)
    java = next(
        (name for kind, name in _JAVA_NAMES.items() if isinstance(error, kind)), "java.lang.RuntimeException"
    )
    return omero.InternalException(None, java, f" Wrapped Exception: ({java}):\n{error}")


def not_implemented(interface: type, operation: str) -> BaseException:
    """Make the error for an operation that the sandbox lacks."""
    name = f"{interface.__name__}.{operation}"
    return omero.InternalException(
        None, "java.lang.UnsupportedOperationException", f"{name} is not implemented by the sandbox"
    )


def _is_stateful(interface: type) -> bool:
    return issubclass(interface, omero.api.StatefulServiceInterface)


@cache
def _servant_class(interface: type) -> type:
    methods: dict[str, Any] = {}
    for name in operations(interface):
        if hasattr(interface, f"{name}_async"):
            methods[f"{name}_async"] = _dispatched_later(interface, name)
        else:
            methods[name] = _dispatched_at_once(interface, name)
    return type(f"{interface.__name__}Servant", (interface,), methods)


def _dispatched_later(interface: type, name: str) -> Callable[..., None]:
    def method(self: Any, callback: Any, *arguments: Any) -> None:
        try:
            callback.ice_response(_invoke(self, interface, name, arguments))
        except BaseException as error:  # noqa: BLE001 -- a process boundary: all must reach the client
            callback.ice_exception(wrap_exception(error))

    return method


def _dispatched_at_once(interface: type, name: str) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any) -> Any:
        try:
            return _invoke(self, interface, name, arguments)
        except BaseException as error:
            wrapped = wrap_exception(error)
            if wrapped is error:
                raise
            raise wrapped from error

    return method


def _invoke(instance: Any, interface: type, name: str, arguments: tuple[Any, ...]) -> Any:
    """Run one operation in its call context; the last argument of an operation is Ice's ``current``."""
    *values, current = arguments
    implementation = instance.implementation
    operation = f"{interface.__name__}.{name}"
    with implementation.context.call(current, operation) as call, instance.serial or nullcontext():
        answer = _run(implementation, interface, name, call, values)
    return implementation.context.server.faults.answer(operation, answer)


def _run(implementation: Any, interface: type, name: str, call: Any, values: list[Any]) -> Any:
    method = getattr(implementation, name, None)
    if method is not None:
        return method(call, *values)
    if name in _LIFECYCLE and _is_stateful(interface):
        return _lifecycle(implementation, name, call)
    raise not_implemented(interface, name)


def _lifecycle(implementation: Any, name: str, call: Any) -> Any:
    """Give stateful services the operations they all share."""
    if name == "getCurrentEventContext":
        return call.event_context()
    if name == "close":
        implementation.context.unregister(implementation)
    return None
