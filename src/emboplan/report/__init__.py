"""A plan as a document, as pages and as a result folder."""
