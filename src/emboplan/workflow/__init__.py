"""The only place where the sciences meet: one file per public verb."""
