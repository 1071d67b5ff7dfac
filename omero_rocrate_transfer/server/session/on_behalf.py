"""An administrator's connection, through which everything is created for somebody else."""

from __future__ import annotations

from typing import Any

from omero_rocrate_transfer.server.session.connection import ALL_GROUPS, Connection


class OnBehalf(Connection):
    """A connection whose new objects belong to another user; needs no session of that user.

    The call context ``omero.user`` changes the owner of what is created, while the rights stay those of the
    administrator (omero-server BasicEventContext.checkAndInitialize); imports do not look at it.

    Parameters
    ----------
    connection
        Of an administrator with privilege ``WriteOwned``; may be revived meanwhile.
    user, user_id
        Of the other one.
    """

    def __init__(self, connection: Connection, user: str, user_id: int) -> None:  # no session of its own
        self._administrator = connection
        self.user = user
        self.user_id = user_id

    def __getattr__(self, name: str) -> Any:
        """Return what is not set here from the administrator's connection."""
        return getattr(self.__dict__["_administrator"], name)

    def context(self, group: int = ALL_GROUPS) -> dict[str, str]:
        """Return the context for a call in a group, for the other user."""
        return self._administrator.context(group) | {"omero.user": str(self.user_id)}

    def close(self) -> None:
        """Do nothing: the session is the administrator's."""
