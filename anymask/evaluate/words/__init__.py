"""How well words choose masks: names of kinds, and descriptions of things with their right answers."""
