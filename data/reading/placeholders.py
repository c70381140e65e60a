"""What programs write where there is no value."""

# As exports write it; the reader of own data counts values that equal one of them.
PLACEHOLDERS = frozenset(
    {"\\N", "NULL", "null", "None", "none", "NA", "N/A", "n/a", "NaN", "nan", "-", "?", "#N/A"}
)
# In lower case, also what only a person recognises. "unknown" is missing: it is a genre of ml-100k.
LOWER_PLACEHOLDERS = frozenset(one.lower() for one in PLACEHOLDERS) | {
    *("(null)", "nil", "nat", "n.a.", "<na>", "undefined", "missing", "--", "."),
}
