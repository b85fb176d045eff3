"""The plan of a radioembolization: inputs, models, vials, certainty."""
