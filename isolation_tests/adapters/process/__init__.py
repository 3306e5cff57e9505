"""Memory systems in any language: a program that speaks the bridge protocol on its input and output."""
