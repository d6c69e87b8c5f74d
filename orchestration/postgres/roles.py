"""Default names of the database roles that the lookup page uses."""

PAGE = "atendimento_page"
SIGN_IN = "atendimento_signin"
