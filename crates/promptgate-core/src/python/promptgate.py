"""Lets promptgate ask Python code, one line of JSON at a time.

As a module, in a program of your own:

    import promptgate

    def answer(input, context):
        return "Hello, " + input

    promptgate.serve(answer)

promptgate itself runs this file around a function: `kind = "python", file = "metrics.py", function = "tone"`.

The function is called with what is asked for first, and, if it takes a second argument, with the whole request as a dict:

- a scorer gets the output that is to be scored, and `value` (what `extract` took from it), `case` and `params` in the
  request. It returns True or False, a number from 0 to 1, or {"score": 0.5, "passed": False, "reason": "..."};
- an application under test gets the input, and `messages`, `system`, `model` and `parameters` in the request. The content
  of a message is a text, or a list of parts where it holds an image or a tool's call or result. It returns a text, or
  {"output": "...", "tool_calls": [...], "steps": [...], "usage": {...}}.

An exception is reported and the process goes on. What the function prints goes to standard error.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import traceback


def serve(function):
    """Answers every line of standard input by calling the function, until the input ends."""
    _serve(function, _take_stdout())


def _take_stdout():
    # Whatever else prints to standard output would break the protocol: from here on it gets standard error.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    return replies


def _serve(function, replies):
    takes_context = _arguments(function) > 1
    # One for all questions: a client that the code keeps belongs to the loop that it was first used in.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for line in open(0, encoding="utf-8", closefd=False):
        request = json.loads(line)
        reply = _reply(function, request, takes_context, loop)
        reply["id"] = request["id"]
        replies.write(json.dumps(reply, allow_nan=False) + "\n")
        replies.flush()


def _arguments(function):
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind == each.VAR_POSITIONAL for each in parameters):
        return 2
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)


def _reply(function, request, takes_context, loop):
    is_scorer = request.get("ask") == "score"
    subject = request.get("output") if is_scorer else request.get("input")
    try:
        if not (is_scorer or takes_context or _is_text(request)):
            raise TypeError("the messages hold more than texts: take a second argument, and read its `messages`")
        result = function(subject, request) if takes_context else function(subject)
        if inspect.isawaitable(result):
            result = loop.run_until_complete(result)
        reply = _as_reply(result, is_scorer)
        json.dumps(reply, allow_nan=False)
        return reply
    except Exception as error:
        traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = "{}:{}".format(os.path.basename(last.filename), last.lineno)
        return {"error": "{}: {} ({})".format(type(error).__name__, error, place)}


def _is_text(request):
    return all(isinstance(each["content"], str) for each in request.get("messages", ()))


def _as_reply(result, is_scorer):
    if isinstance(result, dict):
        return dict(result)
    if not is_scorer:
        return {"output": result if isinstance(result, str) else json.dumps(result, allow_nan=False)}
    if isinstance(result, bool):
        return {"score": 1.0 if result else 0.0, "passed": result}
    # A text or bytes that read as a number are a slip; numbers of other libraries say what they are as a float.
    if isinstance(result, (str, bytes, bytearray)) or not hasattr(type(result), "__float__"):
        raise TypeError("a scorer returns True, False, a number or a dict, and not {!r}".format(type(result).__name__))
    return {"score": float(result)}


def _load(file, name):
    sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(file))[0], file)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look up the module that they are of. A file may be called as a module that others need.
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        known = ", ".join(each for each in vars(module) if callable(vars(module)[each]) and not each.startswith("_"))
        sys.exit("{} has no function `{}`; it has: {}".format(file, name, known))
    return getattr(module, name)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: promptgate.py FILE FUNCTION")
    replies = _take_stdout()
    _serve(_load(sys.argv[1], sys.argv[2]), replies)
