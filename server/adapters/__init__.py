"""What stands outside: one file for each port and backend. Siblings share nothing but the tables."""
