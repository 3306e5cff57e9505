"""The scale run: very many users in one store, in ranges that resume, split and add up."""
