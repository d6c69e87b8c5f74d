"""Names of the database roles that the lookup page connects as, unless settings name others."""

PAGE = "atendimento_page"
SIGN_IN = "atendimento_signin"
