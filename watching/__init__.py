"""Following a task: its log live, a user's inbox, how long it takes, what can be read."""
