"""How large things are: database, tables, indexes, Redis, the processes and their host; and how they grow."""
