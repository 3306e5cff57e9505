"""The properties: each test states a law and checks it in every cell that the law has.

The first line of a test's docstring is the law. The numbered list below it names likely causes of a violation.
"""
