"""What a team is asked before an embolization, and what a patient has had."""
