"""Where the record is: the tracking address, where artifacts go, and how to look at both."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from memgan.config import Frozen
from memgan.errors import BadInput
from memgan.files import expanded
from tracking.address_form import is_store_alone, why_malformed
from tracking.tracker_plugins import MLFLOWS_SCHEMES, TRACKER_PLUGINS, plugin_scheme

DEFAULT_RESULTS = Path("results")

# A password may hold a slash that nobody encoded: then rather too much is hidden than too little.
_CREDENTIALS = re.compile(r"(://)(?:[^/\s]+|[^/\s:]+:\S+)@")
_SECRETS = re.compile(r"([?&;][\w-]*(?:password|passwd|pwd|token|secret|key)=)[^&;\s'\"]+", re.I)
_NEEDS_ESCAPES = re.compile(r"[^\S ]|(?<= ) |^ | $|[^\w\s!-~]")


class Location(Frozen):
    """A tracking address, and where new experiments put their artifacts if it is not a server."""

    uri: str
    artifact_root: str | None = None
    """A URI; None leaves it to the store."""


def resolve(option: str | None, results: Path | str = DEFAULT_RESULTS) -> Location:
    """The option, else MLFLOW_TRACKING_URI, else a SQLite file under `results`.

    PluginFailed for the address of a plug-in that cannot be used.
    BadInput for an address that neither MLflow nor a plug-in keeps a record at, and, where no
    address is given, for `results` that are not on this machine.
    """
    given = option or os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        return _checked(given)
    if is_address(results):
        raise BadInput(
            f"--results {redact(as_address(results))} cannot hold the local record; give "
            "--tracking-uri http(s)://… or sqlite:///FILE, or set MLFLOW_TRACKING_URI"
        )
    folder = local_folder(results).absolute()
    return _checked(sqlite_address(folder / "mlflow.db"))


def _checked(uri: str) -> Location:
    if reason := why_malformed(uri):
        raise BadInput(
            f"tracking address {redact(uri)!r}: {reason}; give http(s)://HOST:PORT,"
            " sqlite:///FILE, or another database's URI"
        )
    scheme = urlsplit(uri).scheme.split("+")[0]
    if (plugged := plugin_scheme(uri)) is not None:
        TRACKER_PLUGINS.find(plugged)  # What cannot be used is told before anything begins.
        return Location(uri=uri)
    if scheme not in MLFLOWS_SCHEMES and uri != "databricks":
        plugged_in = ", ".join(f"{name}://…" for name in TRACKER_PLUGINS.names())
        offered = f", or a plug-in's: {plugged_in}" if plugged_in else ""
        raise BadInput(
            f"tracking address {redact(uri)!r} is not one that MLflow records at; give "
            f"http(s)://HOST:PORT, sqlite:///FILE, or another database's URI{offered}"
        )
    path = sqlite_file(uri)
    if path is None:
        return Location(uri=uri)
    # MLflow's own default is a folder in whatever directory the process was started from.
    query = uri.partition("?")[2]
    return Location(
        uri=f"{sqlite_address(path)}{'?' if query else ''}{query}",
        artifact_root=(path.parent / "mlartifacts").as_uri(),
    )


def is_address(results: Path | str) -> bool:
    """Whether results are kept at an address such as s3://…, and not in a folder."""
    # A Path has made one slash of two already.
    return ":/" in str(results) and not str(results).startswith("file:")


def as_address(results: Path | str) -> str:
    """An address with both its slashes, and none at its end."""
    scheme, _, rest = str(results).partition(":/")
    return f"{scheme}://{rest.strip('/')}"


def local_folder(results: Path | str) -> Path:
    """The results folder on this machine: of an address, where this machine keeps its part.

    A ~ at its beginning is the user's home; file:///FOLDER is FOLDER. BadInput for the home of
    somebody who is not known, and for an address that cannot be one.
    """
    if is_store_alone(str(results)):
        raise BadInput(f"--results {results}: it names no bucket; write s3://BUCKET/…")
    if is_address(results) and (reason := why_malformed(as_address(results))):
        raise BadInput(
            f"--results {redact(as_address(results))}: {reason}; give a folder, or s3://BUCKET/…"
        )
    if not is_address(results):
        return expanded(_of_file_uri(str(results)))
    address = as_address(results)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", address)
    short = hashlib.sha256(address.encode()).hexdigest()[:8]
    return Path(state) / "memgan" / f"{readable}-{short}"


def _of_file_uri(results: str) -> Path:
    scheme, _, rest = results.partition(":")
    if scheme != "file" or not rest.startswith("/"):
        return Path(results)
    # A Path has made one slash of several already.
    return Path("/" + unquote(rest.lstrip("/")))


def sqlite_file(uri: str) -> Path | None:
    """The absolute path of a `sqlite:///FILE` address, or None for any other."""
    head, found, tail = uri.partition(":///")
    if not found or head.split("+")[0] != "sqlite":
        return None
    return expanded(Path(unquote(tail.partition("?")[0]))).absolute()


def sqlite_address(path: Path | str) -> str:
    """The `sqlite:///FILE` address of a path; what an address would misread is percent-encoded."""
    return "sqlite:///" + re.sub("[%?#]", lambda found: quote(found.group()), str(path))


def for_mlflow(uri: str) -> str:
    """An address as MLflow is given it.

    Of `sqlite:///` it takes the path undecoded and makes a folder of that name; with a driver
    named it leaves that to whoever opens the file.
    """
    escaped = uri.startswith("sqlite:") and "%" in uri
    return uri.replace("sqlite:", "sqlite+pysqlite:", 1) if escaped else uri


def redact(text: str) -> str:
    """`text` with every user, password and token of the addresses in it hidden."""
    return _SECRETS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def one_line(error: BaseException, length: int = 300) -> str:
    """An exception's message on one line, shortened, with any password in an address hidden."""
    text = redact(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= length else f"{text[:length]}…"


def has_secret(uri: str) -> bool:
    """Whether an address holds, or held before `redact`, a user or a password."""
    return redact(uri) != uri or "***" in uri


def command_prefix() -> str:
    """What must stand before `memgan` in a command for this user's shell."""
    return "uv run " if "UV" in os.environ else ""


def sync_command(study: str, results: Path | str = DEFAULT_RESULTS) -> str:
    """The command that delivers what a study's outbox still holds, as it can be pasted."""
    return study_command("sync", study, results)


def ui_command(uri: str, results: Path | str = DEFAULT_RESULTS) -> str:
    """The command that opens the record at `uri`, exactly as it can be pasted into a shell."""
    path = sqlite_file(uri)
    if path is None:
        return shell_command("memgan", "ui", "--tracking-uri", redact(uri))
    if path == DEFAULT_RESULTS.absolute() / "mlflow.db":
        return shell_command("memgan", "ui")
    if path == local_folder(results).absolute() / "mlflow.db":
        return shell_command("memgan", "ui", "--results", str(results))
    return shell_command("memgan", "ui", "--tracking-uri", uri)


def resume_command(study: str, results: Path | str = DEFAULT_RESULTS, *more: str) -> str:
    """The command that goes on with a study, as it can be pasted; more: further arguments."""
    return shell_command("memgan", "search", "--resume", study, *_results_option(results), *more)


def study_command(verb: str, study: str, results: Path | str = DEFAULT_RESULTS, *more: str) -> str:
    """`memgan VERB STUDY` for a study's results folder, as it can be pasted."""
    return shell_command("memgan", *verb.split(), study, *_results_option(results), *more)


def shell_command(*words: str) -> str:
    """A command as it can be pasted into this user's shell, whatever its words hold."""
    return command_prefix() + " ".join(map(quoted, words))


def quoted(word: str) -> str:
    r"""One word for a shell. Blanks in a row and characters that do not print are written as
    escapes, as a message is printed on one line."""
    if not _NEEDS_ESCAPES.search(word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _NEEDS_ESCAPES.sub(_escaped, escaped) + "'"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(found.group()))


def _results_option(results: Path | str) -> tuple[str, ...]:
    return () if str(results) == str(DEFAULT_RESULTS) else ("--results", str(results))
