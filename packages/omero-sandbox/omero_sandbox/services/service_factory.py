"""The session object itself: hands out services, runs commands (omero.api.ServiceFactory)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import Ice
import omero
import omero.clients

from omero_sandbox.net.ice import servant
from omero_sandbox.services import create, interface

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class ServiceFactoryService:
    """One client's view of a session; Glacier2 calls its ``destroy``."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self._left = False

    # -- life --------------------

    @property
    def identity(self) -> Any:
        """Identity that omero.client reads the session's uuid from (omero.cmd.SessionI.sessionId)."""
        return Ice.Identity(self.context.session.uuid, f"session-{self.context.client_uuid}")

    def register_session(self) -> Any:
        """Put the session's servant up and return its proxy."""
        adapter = self.context.server.adapter
        adapter.add(servant(omero.api.ServiceFactory, self), self.identity)
        return omero.api.ServiceFactoryPrx.uncheckedCast(adapter.createProxy(self.identity))

    def leave(self) -> None:
        """End this client; unless detached, the session loses a reference (omero.cmd.SessionI.destroy)."""
        if self._left:
            return
        self._left = True
        self.context.server.close_client(self)
        if not self.context.detached:
            self.context.sessions.release(self.context.session)

    def destroy(self, call: Call) -> None:
        """End this client as Glacier2's session manager does."""
        self.leave()

    def closeOnDestroy(self, call: Call) -> None:
        """Let the end of this client count against the session."""
        self.context.detached = False

    def detachOnDestroy(self, call: Call) -> None:
        """Let the session outlive this client."""
        self.context.detached = True

    def setCallback(self, call: Call, callback: Any) -> None:
        """Do nothing, as the real server, whose body of this method is switched off."""

    def subscribe(self, call: Call, topic: str, subscriber: Any) -> None:
        """Do nothing: the sandbox publishes no topics."""

    def keepAlive(self, call: Call, proxy: Any) -> bool:
        """Tell whether the service is open; the call itself kept the session alive."""
        return proxy is not None and proxy.ice_getIdentity().name in self.context.active()

    def keepAllAlive(self, call: Call, proxies: list[Any]) -> int:
        """Return a bit per service that is not open."""
        missing = 0
        for index, proxy in enumerate(proxies):
            if not self.keepAlive(call, proxy):
                missing |= 1 << index
        return missing

    def activeServices(self, call: Call) -> list[str]:
        """List the identity names of this client's services."""
        return self.context.active()

    # -- security --------------------

    def getSecurityContexts(self, call: Call) -> list[Any]:
        """List the groups that setSecurityContext accepts."""
        return [omero.model.ExperimenterGroupI(group, False) for group in call.member_of]

    def setSecurityContext(self, call: Call, obj: Any) -> Any:
        """Change the session's group for all its clients; returns the previous one.

        Raises
        ------
        omero.ApiUsageException
            Not a group, or not an existing one.
        omero.SecurityViolation
            Not a member, or services are open, or a group owner's sudo session.
        """
        if not isinstance(obj, omero.model.ExperimenterGroup) or obj.id is None or obj.id.val < 0:
            raise omero.ApiUsageException(None, None, "Only an existing ExperimenterGroup can be the context")
        session, group = self.context.session, int(obj.id.val)
        if call.store.get("ExperimenterGroup", group) is None:
            raise omero.ApiUsageException(None, None, f"No such group: {group}")
        if session.led_groups is not None or (group not in call.member_of and not call.is_admin):
            raise omero.SecurityViolation(
                None, None, f"User {session.user_id} may not change to group {group}"
            )
        self._require_idle()
        previous, session.group_id = session.group_id, group
        return omero.model.ExperimenterGroupI(previous, False)

    def _require_idle(self) -> None:
        """Refuse while methods run or services are open (SessionManagerI.checkStatefulServices)."""
        session = self.context.session
        if session.active > 1:
            raise omero.SecurityViolation(None, None, f"{session.active - 1} methods active")
        for context in self.context.server.contexts(session):
            if context.stateful():
                raise omero.SecurityViolation(None, None, f"Stateful services active: {context.stateful()}")

    def setSecurityPassword(self, call: Call, password: str) -> None:
        """Prove the password in a joined session."""
        from omero_sandbox.security.passwords import check_password

        if not check_password(call.store.get("Experimenter", call.caller_id), password):
            raise omero.SecurityViolation(None, None, "Bad password for user")
        self.context.reused = False

    # -- services --------------------

    def getByName(self, call: Call, name: str) -> Any:
        """Return the proxy of a stateless service, one servant per client."""
        found = interface(name)
        simple = found.__name__
        if issubclass(found, omero.api.StatefulServiceInterface):
            raise omero.ApiUsageException(None, None, f"{name} is stateful: use createByName")
        implementation = self.context.get_service(simple)
        return self.context.register(found, implementation, f"{self.context.client_uuid}omero.api.{simple}")

    def createByName(self, call: Call, name: str) -> Any:
        """Open a stateful service."""
        found = interface(name)
        if not issubclass(found, omero.api.StatefulServiceInterface):
            raise omero.ApiUsageException(None, None, f"{name} is stateless: use getByName")
        return self.context.register(found, create(found.__name__, self.context))

    def sharedResources(self, call: Call) -> Any:
        """Return the proxy of the shared resources, with the repositories."""
        from omero_sandbox.services.shared_resources import SharedResourcesService

        return self.context.register(omero.grid.SharedResources, SharedResourcesService(self.context))

    def submit(self, call: Call, request: Any) -> Any:
        """Start a command and return its handle; nothing for no request."""
        from omero_sandbox import commands

        return None if request is None else commands.start(call, request)


_GETTERS = {
    "getAdminService": "IAdmin",
    "getConfigService": "IConfig",
    "getContainerService": "IContainer",
    "getLdapService": "ILdap",
    "getMetadataService": "IMetadata",
    "getPixelsService": "IPixels",
    "getProjectionService": "IProjection",
    "getQueryService": "IQuery",
    "getRenderingSettingsService": "IRenderingSettings",
    "getRepositoryInfoService": "IRepositoryInfo",
    "getRoiService": "IRoi",
    "getScriptService": "IScript",
    "getSessionService": "ISession",
    "getShareService": "IShare",
    "getTimelineService": "ITimeline",
    "getTypesService": "ITypes",
    "getUpdateService": "IUpdate",
}
_CREATORS = {
    "createExporter": "Exporter",
    "createJobHandle": "JobHandle",
    "createRawFileStore": "RawFileStore",
    "createRawPixelsStore": "RawPixelsStore",
    "createRenderingEngine": "RenderingEngine",
    "createSearchService": "Search",
    "createThumbnailStore": "ThumbnailStore",
}


def _add_shortcuts() -> None:
    """Give the factory its one method per service."""
    for method, name in _GETTERS.items():
        setattr(ServiceFactoryService, method, lambda self, call, name=name: self.getByName(call, name))
    for method, name in _CREATORS.items():
        setattr(ServiceFactoryService, method, lambda self, call, name=name: self.createByName(call, name))


_add_shortcuts()
