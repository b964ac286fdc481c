"""The commands: serve (the default), migrate, healthcheck."""

import asyncio
import logging
import os
import sys
import urllib.error
import urllib.request

from user_service import config, logs


def main() -> int:
    logs.configure("INFO", os.environ.get("LOG_FORMAT"))  # until the settings are known
    try:
        settings = config.load()
        logs.configure(settings.log_level, settings.log_format)
        match sys.argv[1:]:
            # Imported when needed: a bad setting and a healthcheck are answered without loading the server.
            case [] | ["serve"]:
                from user_service.server import serve

                asyncio.run(serve(settings))
            case ["migrate"]:
                from user_service.database import migrate

                asyncio.run(migrate(settings))
            case ["healthcheck"]:
                return healthcheck(settings.port)
            case _:
                print("usage: user_service [serve | migrate | healthcheck]", file=sys.stderr)
                return 2
    except config.ConfigError as error:
        logging.error("%s", error)
        return 1
    except Exception:
        logging.exception("failed")
        return 1
    return 0


def healthcheck(port: int) -> int:
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{port}/health", timeout=4) as answer:
            return 0 if answer.status in (200, 207) else 1
    except (OSError, urllib.error.URLError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
