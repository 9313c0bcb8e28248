"""What all tests share: the fixtures of akid's own test kit."""

pytest_plugins = ["akid_core.testing.plugin"]
