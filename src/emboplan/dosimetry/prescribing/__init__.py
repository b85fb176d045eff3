"""From goals and limits to an activity: what binds, what it costs, how sure it is, and a second check."""
