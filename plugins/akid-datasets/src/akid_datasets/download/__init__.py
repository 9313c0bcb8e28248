"""Downloads: the files of data sets, from this machine or the network, checked, and archives unpacked."""

from akid_datasets.download.archives import Limits, extract
from akid_datasets.download.fetching import fetch, fetch_all, locate
from akid_datasets.download.remote import RemoteFile, offline
from akid_datasets.formats.contents import open_raw

__all__ = ["Limits", "RemoteFile", "extract", "fetch", "fetch_all", "locate", "offline", "open_raw"]
