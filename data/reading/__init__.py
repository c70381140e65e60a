"""From files to columns: MovieLens releases, own data by a schema, a film that a person wrote down."""
