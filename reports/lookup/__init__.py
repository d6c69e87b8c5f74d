"""The lookup page: the web app behind the generated lists.

Belongs here: requests, who is signed in, what is theirs, and the pages made for them. Does not: any
rule R3–R13, making database roles or starting a server (`orchestration/lookup_server/serve.py`).
"""
