"""Hooks around a snapshot, which functions may register anywhere: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html

Without a snapshot they are never called, on AWS neither.
"""
before_snapshot, after_restore = [], []


def register_before_snapshot(func, *args, **kwargs):
    before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return before_snapshot


def get_after_restore():
    return after_restore
