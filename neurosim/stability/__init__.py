"""Fixed points and stability of learning: closed forms and linear analysis, without simulation."""
