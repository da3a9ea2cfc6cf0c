"""What gives the classes of a prompt set away without any emotion."""
