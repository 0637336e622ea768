"""What people read: tables of models, layers and Results."""
