"""Three doors for other programs: walks, evaluation and search under the names that they always had."""
