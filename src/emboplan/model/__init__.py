"""What a case, an image, a product and a result are: frozen values, no files."""
