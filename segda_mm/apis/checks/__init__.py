"""What is refused before a job begins, with the sentence that says why."""
