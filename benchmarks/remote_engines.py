"""How fast remote engines are beside the plain SDKs of their vendors, with the same number of requests in flight.

    python benchmarks/remote_engines.py [--texts N] [--delay SECONDS] [--in-flight N] [engine ...]

The services are local servers in a process of their own that speak the vendors' wire formats (tests/conformance), and
take a fifth of a second for each request. The peer calls the SDK in a pool of threads, with the same texts in each
request, and keeps nothing; crossfare cuts, checks, meters and stores every answer in its translation memory. By the
clock, connections made before; the faster of two rounds, in turns. Fails unless both have the same translations.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "conformance"), str(Path(__file__).parents[1] / "tests")]

from servers.google import PROJECT  # noqa: E402
from servers.openai import MODEL  # noqa: E402
from vendors import SECRETS, SERVERS, service_account  # noqa: E402

import ratios  # noqa: E402
from crossfare import translate  # noqa: E402
from crossfare.translate.engines.llm import _SCHEMA, PROMPT  # noqa: E402
from crossfare.translate.segments import requests, translate_segments  # noqa: E402

Call = Callable[[Sequence[str]], list[str]]


def main() -> None:
    """Translate the same texts by all, in turns."""
    parser = ratios.parser(__doc__)
    parser.add_argument("engines", nargs="*", default=[*SERVERS, "libretranslate"])
    parser.add_argument("--texts", type=int, default=999, help="texts to translate (default: %(default)s)")
    parser.add_argument("--delay", type=float, default=0.2, help="seconds of each request (default: %(default)s)")
    parser.add_argument("--in-flight", type=int, help="requests in flight (default: those of the registry)")
    asked = parser.parse_args()
    texts = [f"Text {number} of them says that the cat sat on mat {number}." for number in range(asked.texts)]
    print("| engine | requests | in flight | SDK, s | crossfare, s | ratio |\n|---|---|---|---|---|---|")
    for name in asked.engines:
        line, found = _row(name, texts, asked.delay, asked.in_flight)
        print(line, flush=True)
        ratios.keep(asked.ratios, [found])


def _row(name: str, texts: list[str], delay: float, in_flight: int | None) -> tuple[str, ratios.Ratio]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(name, delay, theirs), daemon=True)
    process.start()
    address = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        made = _engine(name, address, Path(folder), in_flight)
        batches = [[texts[i] for i in request] for request in requests(made, texts)]
        peer = _peer(name, address)
        peer(texts[:1]), translate_segments(["warm"], made, source="en", target="de")
        seconds: dict[str, list[float]] = {"sdk": [], "own": []}
        for turn in range(2):
            began = time.perf_counter()
            with ThreadPoolExecutor(made.concurrency) as pool:
                expected = [text for batch in pool.map(peer, batches) for text in batch]
            seconds["sdk"].append(time.perf_counter() - began)
            with translate.TranslationMemory(Path(folder) / f"{turn}.sqlite") as memory:
                assert not memory.count()  # and it is open
                began = time.perf_counter()
                found = translate_segments(texts, made, source="en", target="de", memory=memory)
                seconds["own"].append(time.perf_counter() - began)
            if [found.translations.get(text) for text in texts] != expected:
                sys.exit(f"{name}: the translations differ")
    ours.send("end")
    process.join()
    sdk, own = min(seconds["sdk"]), min(seconds["own"])
    cells = (name, len(batches), made.concurrency, f"{sdk:.1f}", f"{own:.1f}", f"{own / sdk:.2f}")
    ratio = ratios.Ratio(f"{name}, {delay:g} s a request", "the vendor's SDK", sdk / own, 0.5, "equal")
    return f"| {' | '.join(map(str, cells))} |", ratio


def _serve(name: str, delay: float, pipe: Any) -> None:
    """A server that takes its time."""
    if name == "libretranslate":
        from libretranslate_server import serving

        with serving(busy=delay) as server:
            pipe.send(server.url)
            pipe.recv()
        return
    vendor = SERVERS[name]()
    respond = vendor.respond

    def late(request: Any) -> Any:
        reply = respond(request)
        time.sleep(delay)
        return reply

    vendor.respond = late  # type: ignore[method-assign]
    pipe.send(vendor.address)
    pipe.recv()
    vendor.close()


def _engine(name: str, address: str, folder: Path, in_flight: int | None) -> Any:
    more = {"concurrency": in_flight} if in_flight else {}
    if name == "libretranslate":
        return translate.engine(name, url=address, **more)
    key = str(service_account(folder)) if name == "google:v3" else SERVERS[name].key
    os.environ |= {SECRETS[name]: key, "GOOGLE_CLOUD_PROJECT": PROJECT}
    if name == "amazon":
        os.environ |= {
            "AWS_SECRET_ACCESS_KEY": "another-s3cret",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_TRANSLATE": address,
        }
        return translate.engine(name, **more)
    if name == "llm":
        return translate.engine(name, model=MODEL, base_url=f"{address}/v1", **more)
    registered, _, api = name.partition(":")
    return translate.engine(registered, endpoint=address, **({"api": api} if api else {}), **more)


def _peer(name: str, address: str) -> Call:
    made: dict[str, Callable[[str], Call]] = {
        "google:v3": _google_v3,
        "google:v2": _google_v2,
        "deepl": _deepl,
        "azure": _azure,
        "amazon": _amazon,
        "llm": _llm,
        "libretranslate": _libretranslate,
    }
    return made[name](address)


def _google_v3(address: str) -> Call:
    from google.cloud import translate_v3

    client = translate_v3.TranslationServiceClient(transport="rest", client_options={"api_endpoint": address})
    fixed = {"parent": f"projects/{PROJECT}/locations/global", "mime_type": "text/html"}
    fixed |= {"source_language_code": "en", "target_language_code": "de"}
    fixed["model"] = f"{fixed['parent']}/models/general/nmt"
    return lambda texts: [
        each.translated_text for each in client.translate_text(request={**fixed, "contents": list(texts)}).translations
    ]


def _google_v2(address: str) -> Call:
    from google.auth import api_key
    from google.cloud import translate_v2

    credentials = api_key.Credentials(os.environ["GOOGLE_API_KEY"])
    client = translate_v2.Client(credentials=credentials, client_options={"api_endpoint": address})
    fixed = {"source_language": "en", "target_language": "de", "format_": "html", "model": "nmt"}
    return lambda texts: [each["translatedText"] for each in client.translate(list(texts), **fixed)]


def _deepl(address: str) -> Call:
    import deepl

    client = deepl.DeepLClient(os.environ["DEEPL_AUTH_KEY"], server_url=address)
    fixed = {"source_lang": "EN", "target_lang": "DE", "model_type": "quality_optimized", "tag_handling": "xml"}
    return lambda texts: [each.text for each in client.translate_text(list(texts), **fixed)]


def _azure(address: str) -> Call:
    from azure.ai.translation.text import TextTranslationClient
    from azure.ai.translation.text.models import TranslateInputItem, TranslationTarget
    from azure.core.credentials import AzureKeyCredential

    client = TextTranslationClient(
        address, AzureKeyCredential(os.environ["AZURE_TEXT_TRANSLATION_APIKEY"]), api_version="2026-06-06"
    )

    def call(texts: Sequence[str]) -> list[str]:
        target = [TranslationTarget(language="de", deployment_name="general", profanity_action="NoAction")]
        items = [TranslateInputItem(text=text, language="en", text_type="Html", targets=target) for text in texts]
        return [item.translations[0].text for item in client.translate(items)]

    return call


def _amazon(_: str) -> Call:
    import boto3
    from botocore.config import Config

    client = boto3.client("translate", config=Config(max_pool_connections=50))
    fixed = {"SourceLanguageCode": "en", "TargetLanguageCode": "de"}
    return lambda texts: [client.translate_text(Text=text, **fixed)["TranslatedText"] for text in texts]


def _llm(address: str) -> Call:
    from openai import OpenAI

    client = OpenAI(api_key=os.environ["OPENAI_API_KEY"], base_url=f"{address}/v1")

    def call(texts: Sequence[str]) -> list[str]:
        asked = json.dumps({"texts": [{"id": number, "text": text} for number, text in enumerate(texts)]})
        system = {"role": "system", "content": PROMPT.format(source="English", target="German")}
        made = client.chat.completions.create(
            model=MODEL,
            messages=[system, {"role": "user", "content": asked}],
            response_format=_SCHEMA,
            temperature=0.0,
        )
        answers = json.loads(made.choices[0].message.content)["translations"]
        return [each["text"] for each in sorted(answers, key=lambda each: each["id"])]

    return call


def _libretranslate(address: str) -> Call:
    import httpx

    client = httpx.Client()
    fixed = {"source": "en", "target": "de", "format": "text"}
    return lambda texts: client.post(f"{address}/translate", json={"q": list(texts), **fixed}).json()["translatedText"]


if __name__ == "__main__":
    main()
