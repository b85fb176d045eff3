"""The parts of the report, one module each, in the order in which a physician reads them."""
