"""Published figures as files: streamed while they are small, written by a worker when they are large."""
