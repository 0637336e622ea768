"""What a measurement is a record of: typed, checked once when it is read, and used by every other room."""
