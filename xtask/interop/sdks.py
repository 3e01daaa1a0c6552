"""The official clients against `promptgate serve-mock`: what the mock server says is judged by who speaks it for a living.

Usage: sdks.py ORIGIN, where the script behind the server answers "tools" with two calls, "slow down" with 429, "broken"
with 500, "cut" at the token limit and everything else with what it was asked.
"""

import sys

import anthropic
import boto3
import botocore
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

ORIGIN = sys.argv[1]
checks = 0


def same(what, found, expected):
    global checks
    checks += 1
    if found != expected:
        sys.exit(f"{what}: {found!r} is not {expected!r}")


def raises(what, kind, call):
    global checks
    checks += 1
    try:
        call()
    except kind:
        return
    sys.exit(f"{what}: no {kind.__name__}")


def chat_completions():
    client = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key="sk-x", max_retries=0)
    ask = lambda text, **more: client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": text}], **more
    )
    answer = ask("hello there")
    same("chat", answer.choices[0].message.content, "hello there")
    same("chat, reason", answer.choices[0].finish_reason, "stop")
    same("chat, model", answer.model, "m")
    same("chat, usage", answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
    chunks = list(ask("hello there you", stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    same("chat, streamed", text, "hello there you")
    same("chat, streamed usage", chunks[-1].usage.completion_tokens > 0, True)
    calls = ask("tools").choices[0].message.tool_calls
    same("chat, tools", [(c.function.name, c.function.arguments) for c in calls], [("weather", '{"city":"Paris"}')] * 2)
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "tools"}]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    same("chat, streamed tools", [c.function.arguments for c in calls], ['{"city":"Paris"}'] * 2)
    same("chat, cut", ask("cut").choices[0].finish_reason, "length")
    raises("chat, 429", openai.RateLimitError, lambda: ask("slow down"))
    raises("chat, 500", openai.InternalServerError, lambda: ask("broken"))
    vectors = client.embeddings.create(model="e", input=["one text", "another"]).data
    same("embeddings", [len(each.embedding) for each in vectors], [32, 32])
    flagged = [each.flagged for each in client.moderations.create(input=["kind words", "violence"]).results]
    same("moderations", flagged, [False, True])
    same("models", [model.id for model in client.models.list()], ["mock-1"])


def responses():
    client = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key="sk-x", max_retries=0)
    ask = lambda text, **more: client.responses.create(model="m", input=text, **more)
    answer = ask("hello there")
    same("responses", (answer.output_text, answer.status), ("hello there", "completed"))
    with client.responses.stream(model="m", input="hello there you") as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    same("responses, streamed", (final.output_text, "response.output_text.delta" in kinds), ("hello there you", True))
    calls = [item for item in ask("tools").output if item.type == "function_call"]
    same("responses, tools", [call.arguments for call in calls], ['{"city":"Paris"}'] * 2)
    cut = ask("cut")
    same("responses, cut", (cut.status, cut.incomplete_details.reason), ("incomplete", "max_output_tokens"))
    raises("responses, 429", openai.RateLimitError, lambda: ask("slow down"))


def messages():
    client = anthropic.Anthropic(base_url=ORIGIN, api_key="sk-x", max_retries=0)
    asked = lambda text: {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}
    answer = client.messages.create(**asked("hello there"))
    same("messages", (answer.content[0].text, answer.stop_reason), ("hello there", "end_turn"))
    with client.messages.stream(**asked("hello there you")) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    same("messages, streamed", (text, final.stop_reason), ("hello there you", "end_turn"))
    same("messages, usage", final.usage.output_tokens > 0, True)
    calls = client.messages.create(**asked("tools")).content
    same("messages, tools", [(c.name, c.input) for c in calls], [("weather", {"city": "Paris"})] * 2)
    with client.messages.stream(**asked("tools")) as stream:
        calls = stream.get_final_message().content
    same("messages, streamed tools", [c.input for c in calls], [{"city": "Paris"}] * 2)
    same("messages, cut", client.messages.create(**asked("cut")).stop_reason, "max_tokens")
    raises("messages, 429", anthropic.RateLimitError, lambda: client.messages.create(**asked("slow down")))
    raises("messages, 500", anthropic.InternalServerError, lambda: client.messages.create(**asked("broken")))


def generate_content():
    options = genai_types.HttpOptions(base_url=ORIGIN, api_version="v1beta")
    client = genai.Client(api_key="sk-x", http_options=options)
    ask = lambda text: client.models.generate_content(model="m", contents=text)
    answer = ask("hello there")
    same("generateContent", answer.text, "hello there")
    same("generateContent, reason", answer.candidates[0].finish_reason.name, "STOP")
    chunks = client.models.generate_content_stream(model="m", contents="hello there you")
    same("generateContent, streamed", "".join(chunk.text or "" for chunk in chunks), "hello there you")
    same("generateContent, tools", [call.args for call in ask("tools").function_calls], [{"city": "Paris"}] * 2)
    same("generateContent, cut", ask("cut").candidates[0].finish_reason.name, "MAX_TOKENS")
    raises("generateContent, 429", genai_errors.ClientError, lambda: ask("slow down"))


def converse():
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=ORIGIN,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret-of-nobody",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )
    asked = lambda text: {"modelId": "a.model-v1:0", "messages": [{"role": "user", "content": [{"text": text}]}]}
    answer = client.converse(**asked("hello there"))
    same("converse", answer["output"]["message"]["content"], [{"text": "hello there"}])
    same("converse, reason", answer["stopReason"], "end_turn")
    events = list(client.converse_stream(**asked("hello there you"))["stream"])
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    same("converse, streamed", "".join(deltas), "hello there you")
    same("converse, streamed usage", events[-1]["metadata"]["usage"]["outputTokens"] > 0, True)
    calls = client.converse(**asked("tools"))["output"]["message"]["content"]
    same("converse, tools", [call["toolUse"]["input"] for call in calls], [{"city": "Paris"}] * 2)
    same("converse, cut", client.converse(**asked("cut"))["stopReason"], "max_tokens")
    raises("converse, 429", client.exceptions.ThrottlingException, lambda: client.converse(**asked("slow down")))


for wire in (chat_completions, responses, messages, generate_content, converse):
    wire()
print(f"{checks} checks by the clients of OpenAI, Anthropic, Google and AWS")
