"""OMERO's services: one plain class per slice interface (see module ``sandbox.ice``)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

if TYPE_CHECKING:
    from omero_sandbox.net.context import ServiceContext

# Interface name to "module:class" within this package; imported when a client first asks for it.
SERVICES: dict[str, str] = {
    "IAdmin": "admin:AdminService",
    "IConfig": "config:ConfigService",
    "IContainer": "container:ContainerService",
    "ILdap": "ldap:LdapService",
    "IMetadata": "metadata:MetadataService",
    "IPixels": "pixels:PixelsService",
    "IProjection": "projection:ProjectionService",
    "IQuery": "query:QueryService",
    "IRenderingSettings": "rendering_settings:RenderingSettingsService",
    "IRepositoryInfo": "repository_info:RepositoryInfoService",
    "IRoi": "roi:RoiService",
    "IScript": "script:ScriptService",
    "ISession": "session_service:SessionService",
    "IShare": "share:ShareService",
    "ITimeline": "timeline:TimelineService",
    "ITypes": "types:TypesService",
    "IUpdate": "update:UpdateService",
    "Exporter": "exporter:ExporterService",
    "JobHandle": "job_handle:JobHandleService",
    "RawFileStore": "raw_file:RawFileStoreService",
    "RawPixelsStore": "raw_pixels:RawPixelsStoreService",
    "RenderingEngine": "rendering_engine:RenderingEngineService",
    "Search": "search:SearchService",
    "ThumbnailStore": "thumbnails:ThumbnailStoreService",
}


def interface(name: str) -> type:
    """Find the slice interface of a service by its simple or full name.

    Raises
    ------
    omero.ApiUsageException
        There is no such service.
    """
    simple = name.rpartition(".")[2]
    if simple not in SERVICES:
        raise omero.ApiUsageException(None, None, f"Unknown service: {name}")
    return getattr(omero.api, simple)


def create(name: str, context: ServiceContext) -> Any:
    """Make a new implementation of a service for one client.

    Raises
    ------
    omero.InternalException
        The sandbox does not have this service.
    """
    module, _, attribute = SERVICES[name].partition(":")
    full = f"{__name__}.{module}"
    try:
        found = import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        raise omero.InternalException(None, None, f"{name} is not implemented by the sandbox") from None
    return getattr(found, attribute)(context)
