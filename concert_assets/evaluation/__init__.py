"""How good a forecast of a simulated world could be, from its truth, beside what models reach. For the CLI alone."""
