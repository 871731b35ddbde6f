"""Bodies whose truth is known because they were made from it; nothing here that makes them knows a connector."""
