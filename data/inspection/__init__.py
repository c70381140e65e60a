"""What data contain, what will be held out of training and what looks wrong, before anything is trained."""
