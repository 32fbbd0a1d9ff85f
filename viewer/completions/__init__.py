"""Says what a stored completion is: plain frozen types, read leniently from JSON."""
