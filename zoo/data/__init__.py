"""Datasets through TensorFlow Datasets: which are there, their images, and their fit to a model's input."""
