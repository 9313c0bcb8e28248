"""Built-in plugin: `akid tune`, many runs of one description (Optuna's searches need the extra `tune`)."""
