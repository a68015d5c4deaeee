"""From what the records say to which leg, whose fault, and where the fix belongs. Pure tables and functions."""
