"""Users and groups that every OMERO server has (ome.system.Roles)."""

ROOT = 0
GUEST = 1
SYSTEM_GROUP = 0
USER_GROUP = 1
GUEST_GROUP = 2

ROOT_NAME = "root"
GUEST_NAME = "guest"
SYSTEM_GROUP_NAME = "system"
USER_GROUP_NAME = "user"
GUEST_GROUP_NAME = "guest"

PRIVILEGE_PREFIX = "AdminPrivilege:"
