"""How people hear of progress: the events' schema, the publisher, the hub, the inbox."""
