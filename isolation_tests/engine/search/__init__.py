"""What is asked first, what plans are drawn, and what is made smaller."""
