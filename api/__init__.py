"""API: the predictor behind HTTP; a door, which reads, calls and answers."""
