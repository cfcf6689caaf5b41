"""What stands outside: one file for each port and backend, and the pure pieces that several of them share."""
