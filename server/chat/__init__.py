"""What happens when somebody asks: turns, claims, conversations. Async, and only through ports."""
