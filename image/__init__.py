"""Image: what builds the images of the Dockerfile, makes them lean, and tries them."""
