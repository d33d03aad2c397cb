"""Training: from coded texts to a tuned, refitted and evaluated model."""
