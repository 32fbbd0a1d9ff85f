"""Takes in files that curators upload, shows what is in them, imports them in the background, and undoes it."""
