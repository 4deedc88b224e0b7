"""What everything else may lean on: settings, errors, states, logs, values per event loop."""
