"""The lookup server's web app: requests, sign-in, access control and its pages.

The server itself and its database roles are in `orchestration/lookup_server`.
"""
