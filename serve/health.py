"""Ask a server on this machine whether it is alive, for containers: ``python -m serve.health``.

Exit code 0 if it answers with 200, else 1, with one line. Imports the standard library alone, so it is quick.
"""

import argparse
import sys
import urllib.error
import urllib.request

ALIVE = "http://127.0.0.1:8000/api/health"


def main(argv: list[str] | None = None) -> int:
    """Ask once, print one line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serve.health", description="Ask a server how it is.")
    parser.add_argument("--url", default=ALIVE, help="the address to ask (default: %(default)s)")
    url = parser.parse_args(argv).url
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as answer:
            status, text = answer.status, answer.read(1000)
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read(1000)
    except (OSError, ValueError) as error:
        print(f"{url} does not answer: {error}", file=sys.stderr)
        return 1
    print(f"{url} answers {status}: {' '.join(text.decode(errors='replace').split())}")
    return int(status != 200)


if __name__ == "__main__":
    raise SystemExit(main())
