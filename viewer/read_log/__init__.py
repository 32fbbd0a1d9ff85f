"""Records who read what, when and from where, before it is sent; shows it, and lets nobody change it."""
