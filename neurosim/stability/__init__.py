"""Where learning flows and whether it stays there: closed forms and linear analysis, apart from any simulation."""
