"""Built-in plugin: observers that need more than the core does (the extra `observe`)."""
