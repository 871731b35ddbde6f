"""Another Django project, into which perf and workitems are taken without the apps above them."""
