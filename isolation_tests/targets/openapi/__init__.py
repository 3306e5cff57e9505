"""OpenAPI: proposes the description of an HTTP service from its document, and tells what it left open."""
