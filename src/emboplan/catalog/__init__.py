"""The sourced tables: every constant with its source and status."""
