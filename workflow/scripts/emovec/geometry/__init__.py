"""Where many emotions lie to one another: inside a model, in two models, in the text alone."""
