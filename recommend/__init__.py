"""From a checkpoint to answers: films for a film or for a person, by title or id, with reasons."""
