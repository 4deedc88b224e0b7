"""How a model's words become a value: thoughts taken off, JSON found, shapes fitted."""
