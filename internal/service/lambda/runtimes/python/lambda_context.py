"""The classes of the context, for functions that name them."""
from __main__ import Client, ClientContext, CognitoIdentity, LambdaContext  # noqa: F401
