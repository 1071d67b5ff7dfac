"""The first call of an import: directories, jobs, files, fileset (ManagedRepositoryI.importFileset)."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rstring, rtime

from omero_sandbox.db.merge import save
from omero_sandbox.db.schema import resolve
from omero_sandbox.net.call import Call
from omero_sandbox.repository import paths
from omero_sandbox.repository.locations import (
    DEFAULT_TEMPLATE,
    Location,
    checked,
    locate,
    root_owned,
    terms_at,
    user_owned,
)
from omero_sandbox.security.ownership import require_creation, require_group

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.repository.files import RepositoryFiles
    from omero_sandbox.repository.paths import Path

_TEMPLATE_KEY = "omero.fs.repo.path"
_LOG_TYPE = "application/omero-log-file"
_READER = "bioformats.reader"


def importer(call: Call) -> Call:
    """Repeat a call for the session's own user: imports ignore ``omero.user``."""
    own = Call(call.context, call.session, call.current)
    own.ctx.pop("omero.user", None)
    own.check()
    return own


def prepare(call: Call, files: RepositoryFiles, fileset: Any, settings: Any) -> tuple[Row, Location]:
    """Make directories and rows for an import; return the Fileset's row and the place of its files.

    Raises
    ------
    omero.ApiUsageException
        There are no entries, or no checksum algorithm.
    omero.ValidationException
        The fileset's jobs are not exactly one UploadJob; the directories are there by then.
    omero.SecurityViolation
        The caller may not write into the group.
    """
    entries = [] if fileset is None or fileset.sizeOfUsedFiles() < 1 else fileset.copyUsedFiles()
    if not entries:
        raise omero.ApiUsageException(None, None, "No paths provided")
    if settings is None or settings.checksumAlgorithm is None:
        raise omero.ApiUsageException(None, None, "must specify checksum algorithm")
    require_group(call)
    require_creation(call, resolve("Fileset"), fileset, internal=True)
    client_paths = [paths.split(entry.getClientPath().getValue()) for entry in entries]
    prefix = _make_prefix(call, files)
    location = locate(prefix, client_paths, reader_known=_names_reader(fileset))
    places = [location.full(index) for index in range(len(entries))]
    for folder in sorted({location.base, *(place[:-1] for place in places)}):
        files.make_directories(call, checked(paths.join(folder)))
    upload = _require_upload_job(fileset)
    with call.store.transaction():
        hasher = call.store.enum("ChecksumAlgorithm", settings.checksumAlgorithm.getValue().getValue())
        log = files.register(call, checked(f"{paths.join(prefix)}.log"), _LOG_TYPE)
        _add_jobs(call, fileset, upload, log, thumbnails=settings.doThumbnails)
        for entry, place in zip(entries, places, strict=True):
            row = files.register(call, place, None, hasher=hasher.id if hasher else None)
            entry.setOriginalFile(omero.model.OriginalFileI(row.id, False))
        fileset.setTemplatePrefix(rstring(f"{paths.join(prefix)}/"))
        return save(call, [fileset], internal=True)[0], location


def _make_prefix(call: Call, files: RepositoryFiles) -> Path:
    """Make the directories of the template, first those of root, then a new one of the user."""
    template = call.context.config.get(_TEMPLATE_KEY, DEFAULT_TEMPLATE)
    now = datetime.now().astimezone()
    terms = _terms(call) | terms_at(now)
    base = root_owned(template, terms)
    with call.store.lock:  # else two imports of one moment find the same folder free
        files.make_directories(call, base, owner=0)
        prefix = user_owned(template, terms, now, lambda path: not files.path(path).exists(), base)
        files.make_directories(call, prefix)
    return prefix


def _terms(call: Call) -> dict[str, str]:
    context = call.event_context()
    user = call.store.get("Experimenter", call.user_id)
    institution = user.values.get("institution") if user is not None else None
    terms = {
        "user": paths.sanitise(context.userName),
        "userId": str(context.userId),
        "group": paths.sanitise(context.groupName),
        "groupId": str(context.groupId),
        "session": context.sessionUuid,
        "sessionId": str(context.sessionId),
        "perms": str(context.groupPermissions),
    }
    return terms | ({"institution": paths.sanitise(institution)} if institution else {})


def _names_reader(fileset: Any) -> bool:
    """Whether the UploadJob tells a Bio-Formats reader class."""
    for link in fileset.copyJobLinks():
        job = link.getChild()
        if isinstance(job, omero.model.UploadJob):
            named = {pair.name: pair.value for pair in job.getVersionInfo() or () if pair is not None}
            reader = named.get(_READER) or ""
            return reader.startswith("loci.formats.in.") and reader.endswith("Reader")
    return False


def _require_upload_job(fileset: Any) -> Any:
    links = fileset.copyJobLinks()
    if len(links) != 1:
        message = "Found more than one job link. Link only updateJob on creation!"
        raise omero.ValidationException(None, None, message)
    job = links[0].getChild()
    if job is None:
        raise omero.ValidationException(None, None, "Found null-UploadJob on creation")
    if not isinstance(job, omero.model.UploadJob):
        raise omero.ValidationException(None, None, f"Found non-UploadJob on creation: {type(job).__name__}")
    return job


def _add_jobs(call: Call, fileset: Any, upload: Any, log: Row, *, thumbnails: Any) -> None:
    """Add the jobs that follow the upload, in order, and link the log file to the upload's."""
    upload.linkOriginalFile(omero.model.OriginalFileI(log.id, False))
    kinds = [omero.model.MetadataImportJobI, omero.model.PixelDataJobI]
    if thumbnails is not None and thumbnails.getValue():
        kinds.append(omero.model.ThumbnailGenerationJobI)
    kinds.append(omero.model.IndexingJobI)
    for kind in kinds:
        fileset.linkJob(kind())
    context = call.event_context()
    for link in fileset.copyJobLinks():
        _submit(link.getChild(), context)


def _submit(job: Any, context: Any) -> None:
    """Fill in the columns that a server sets when a job is submitted (JobBean.submit)."""
    now = rtime(time.time_ns() // 1_000_000)
    status = omero.model.JobStatusI()
    status.setValue(rstring("Submitted"))
    job.setUsername(rstring(context.userName))
    job.setGroupname(rstring(context.groupName))
    job.setType(rstring(context.eventType))
    job.setMessage(rstring("Submitted"))
    job.setStatus(status)
    job.setSubmitted(now)
    job.setScheduledFor(now)
