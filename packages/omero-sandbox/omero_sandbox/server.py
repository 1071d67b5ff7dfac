"""The sandbox server: an Ice communicator, a store, a data folder."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self

import Ice
import omero
import omero.clients
import omero.rtypes
from omero import ObjectFactoryRegistrar

from omero_sandbox.db import bootstrap
from omero_sandbox.db.store import Store
from omero_sandbox.net.certificate import make_certificate
from omero_sandbox.net.context import ServiceContext
from omero_sandbox.net.faults import Faults
from omero_sandbox.net.router import IDENTITY, SandboxRouter
from omero_sandbox.net.sessions import Session, SessionRegistry
from omero_sandbox.services.service_factory import ServiceFactoryService

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
REAP_KEY = "omero.sessions.sync_interval"
_DEFAULT_REAP = 120_000
# Server and client of a real installation agree on this size, in KiB (etc/grid/templates.xml).
_MESSAGE_SIZE_MAX = 250_000


class SandboxServer:
    """An OMERO-compatible server on the loopback interface; objects live in memory, bytes in a folder.

    Parameters
    ----------
    data_dir : Path
        Folder of binary data; made if absent. It also keeps the database uuid and the certificate.
    port, ssl_port : int or None
        TCP and TLS ports; 0 lets the system choose, None opens no TLS endpoint.
    config : dict of str to str, optional
        ``omero.*`` keys.
    root_password : str

    Attributes
    ----------
    store : Store
    sessions : SessionRegistry
    calls : Counter of str
        Calls so far by operation, such as ``IQuery.findAllByQuery``.
    faults : Faults
    resources : ExitStack
        What services share and must be closed when the server stops.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        ssl_port: int | None = None,
        config: dict[str, str] | None = None,
        *,
        root_password: str = "omero",  # noqa: S107 -- as documented; for demos and tests only
    ) -> None:
        self.host = HOST
        self.port = port
        self.ssl_port = ssl_port
        self.data_dir = Path(data_dir)
        self.config = dict(config or {})
        self.calls: Counter[str] = Counter()
        self.faults = Faults()
        self.resources = ExitStack()
        self.store = Store()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.uuid = self._database_uuid()
        bootstrap.install(self.store, root_password)
        self.sessions = SessionRegistry(self.store, self.config, self._session_removed)
        self._lock = Lock()
        self._clients: list[ServiceFactoryService] = []
        self._stopped = Event()
        self._communicator: Any = None
        self.adapter: Any = None

    # -- life --------------------

    def start(self) -> Self:
        """Open the endpoints and serve until ``stop``."""
        self._communicator = Ice.initialize(self._init_data())
        # Without these, received omero.model objects and RTypes could not be built.
        ObjectFactoryRegistrar.registerObjectFactory(self._communicator)
        for factory in omero.rtypes.ObjectFactories.values():
            factory.register(self._communicator)
        self.adapter = self._communicator.createObjectAdapterWithEndpoints("Sandbox", self._endpoints())
        self.adapter.add(SandboxRouter(self), IDENTITY)
        self.adapter.activate()
        for endpoint in self.adapter.getEndpoints():
            info = endpoint.getInfo()
            if info.secure():
                self.ssl_port = info.port
            else:
                self.port = info.port
        Thread(target=self._reap, name="sandbox-reaper", daemon=True).start()
        return self

    def stop(self) -> None:
        """Close all sessions and endpoints; further calls of it do nothing."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        for session in self.sessions.live():
            self.sessions.remove(session)
        self.resources.close()
        if self._communicator is not None:
            # Ice for Python must be destroyed before the interpreter ends.
            self._communicator.destroy()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _reap(self) -> None:
        interval = int(self.config.get(REAP_KEY, _DEFAULT_REAP)) / 1000
        while not self._stopped.wait(interval):
            self.sessions.reap()

    # -- clients --------------------

    def open_client(
        self, session: Session, client_uuid: str, *, reused: bool = False
    ) -> ServiceFactoryService:
        """Let a client into a session."""
        factory = ServiceFactoryService(ServiceContext(self, session, client_uuid, reused=reused))
        with self._lock:
            session.references += 1
            self._clients.append(factory)
        return factory

    def close_client(self, factory: ServiceFactoryService) -> None:
        """Take a client's servants off."""
        with self._lock:
            if factory in self._clients:
                self._clients.remove(factory)
        factory.context.close()
        # Connections end while the server stops, too: then there is nothing left to remove from.
        with suppress(Ice.NotRegisteredException, Ice.ObjectAdapterDeactivatedException):
            self.adapter.remove(factory.identity)

    def contexts(self, session: Session) -> list[ServiceContext]:
        """All clients of a session."""
        with self._lock:
            return [factory.context for factory in self._clients if factory.context.session is session]

    def _session_removed(self, session: Session) -> None:
        with self._lock:
            gone = [factory for factory in self._clients if factory.context.session is session]
        for factory in gone:
            self.close_client(factory)

    # -- set-up --------------------

    def _database_uuid(self) -> str:
        """Return the database uuid, the same for every start on a data folder."""
        path = self.data_dir / "database-uuid"
        if not path.exists():
            path.write_text(str(uuid.uuid4()), encoding="ascii")
        return path.read_text(encoding="ascii")

    def _endpoints(self) -> str:
        endpoints = f"tcp -h {self.host} -p {self.port}"
        if self.ssl_port is not None:
            endpoints += f":ssl -h {self.host} -p {self.ssl_port}"
        return endpoints

    def _init_data(self) -> Any:
        properties = {
            "Ice.MessageSizeMax": str(_MESSAGE_SIZE_MAX),
            "Ice.ThreadPool.Server.Size": "4",
            "Ice.ThreadPool.Server.SizeMax": "64",
            "Ice.ThreadPool.Server.SizeWarn": "0",
            "Ice.ACM.Server.Timeout": "600",
            "Ice.Warn.Dispatch": "0",
            "Ice.Warn.Connections": "0",
        }
        if self.ssl_port is not None:
            properties |= {
                "Ice.Plugin.IceSSL": "IceSSL:createIceSSL",
                "IceSSL.CertFile": str(make_certificate(self.data_dir / "certificate.pem").absolute()),
                # Clients have no certificates.
                "IceSSL.VerifyPeer": "0",
            }
        data = Ice.InitializationData()
        data.properties = Ice.createProperties()
        for name, value in properties.items():
            data.properties.setProperty(name, value)
        return data
