"""A function that keeps a secret: its greeting is encrypted under a key of its owner."""
import os


def handler(event, context):
    print("greeting", event["name"])
    return f"{os.environ['GREETING']}, {event['name']}!"
