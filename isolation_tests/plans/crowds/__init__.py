"""Plans with many memories or many users, and with users who were there before them."""
