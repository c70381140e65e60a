"""Embeddings and what is known of the items, as files for other programs and vector stores."""
