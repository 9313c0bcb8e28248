"""Built-in plugin: ready networks, a family a file, each a function that returns a Brain."""
