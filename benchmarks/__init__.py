"""Measures Lectern and takes its pictures: `./run bench`. No part of the installed product."""
