"""The loading sheets of an embolization: one session is one sheet of paper, for the pharmacy and the room."""
