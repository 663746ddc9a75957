"""What other tools read from our exports, and what we read from theirs; each tool lives in an environment of its own."""
