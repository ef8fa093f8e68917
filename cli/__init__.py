"""What a person types: one file per command. It parses, calls and prints."""
