"""Ask a trained model about images."""
