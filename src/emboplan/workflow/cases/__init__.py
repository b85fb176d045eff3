"""Case files: from TOML to a `Case`, with every mistake named."""
