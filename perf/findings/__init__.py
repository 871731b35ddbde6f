"""What to mend, and where: sentences made of what was recorded."""
