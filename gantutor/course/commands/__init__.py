"""The commands of ``gantutor``: a module for each command, and the modules that they share.

``gantutor.cli`` says what each command takes. Each module that belongs to a command has a function ``run``,
which takes the parsed options and returns the exit status.
"""
