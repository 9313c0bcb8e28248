"""Downloads: the files of data sets, from this machine or the network, checked, and archives unpacked."""

from akid_datasets.download.archives import Limits, extract
from akid_datasets.download.checks import open_raw
from akid_datasets.download.fetching import fetch, locate
from akid_datasets.download.remote import RemoteFile, offline

__all__ = ["Limits", "RemoteFile", "extract", "fetch", "locate", "offline", "open_raw"]
