"""Commands: requests that run behind a handle (delete, chown, chgrp …)."""
