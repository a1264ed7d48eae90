"""Which pictures a study and its finals have, and what is drawn of trials."""
