"""Makes a package with a workflow of one's own: `roadmap new`."""
