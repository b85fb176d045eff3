"""Body, lungs, liver and lesions on CT, and the agreement of masks."""
