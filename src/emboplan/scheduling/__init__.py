"""Treatment calendars of trial protocols, and their export as iCalendar files."""
