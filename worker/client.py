"""The client under the name it has beside the server. Upstream systems install it alone: `deskhand_client`."""

from worker.clients import *  # noqa: F403 - the same thing under another name, whatever it holds
