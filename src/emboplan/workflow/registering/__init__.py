"""Registration of images, and whether its result may be used."""
