"""Files: rows that stream in, and stream out with their predictions, in bounded memory."""
