"""Any images and footage of a user: a short file about them, made a whole config."""
