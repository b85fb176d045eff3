"""The lung shunt of an MAA study."""
