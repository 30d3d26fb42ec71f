"""Parses commands of the AWS CLI, given as lists of words in JSON, as the CLI does, and sends no request.

Prints a list in JSON: for each command "", or what is wrong with it. A command of two words, a service and an
operation, is only named, so that it need not have the required options.
"""
import argparse
import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver


# An option that is cut short is an error in version 2 of the CLI.
argparse.ArgumentParser._get_option_tuples = lambda *_: []


class Answer:
    status_code = 200


def wrong(words):
    driver = create_clidriver()
    if len(words) == 2:
        service = driver._get_command_table().get(words[0])
        operations = service._get_command_table() if hasattr(service, "_get_command_table") else {}
        return "" if words[1] in operations else "no such operation"
    # A handler that returns an answer takes the place of the request.
    driver.session.register("before-call", lambda **_: (Answer, {"ResponseMetadata": {}}))
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = driver.main(words)
        except SystemExit as end:
            code = end.code
    return said.getvalue() or f"exit code {code}" if code else ""


commands = json.load(sys.stdin)
json.dump([wrong(words) for words in commands], sys.stdout)
