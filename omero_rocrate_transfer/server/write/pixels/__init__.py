"""New images from pixels: rows, samples, and the check that the server gives back what it was sent."""
