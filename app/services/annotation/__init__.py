"""Labels: give, undo, review, exchange, and what helps to give them."""
