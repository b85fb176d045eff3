"""Response by the book: lesions over time, endpoints, survival, questionnaires and toxicity."""
