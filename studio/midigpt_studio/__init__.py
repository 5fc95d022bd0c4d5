"""The studio: a page that plays with a live server and shows what the model sees."""
