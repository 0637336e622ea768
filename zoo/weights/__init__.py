"""Files of weights: which there are, whether they are sound, and taking them in and out."""
