"""Languages, numbers and titles as people read them."""
