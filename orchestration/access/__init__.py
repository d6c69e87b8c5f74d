"""Who may read what: the rights and database roles of the lookup page, and its local accounts."""
