"""The changes that cases make to evidence, written as data: one small verb each."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

__all__ = ["apply", "place", "placed"]

Change = dict[str, Any]


def placed(change: Change, places: Mapping[str, str]) -> Change:
    """Fill in where a gate keeps things, such as `{results}`."""
    return {name: place(value, places) if name in {"path", "to"} else value for name, value in change.items()}


def place(path: str, places: Mapping[str, str]) -> str:
    """A path with its places filled in."""
    return os.path.normpath(path.format_map(places)) if path else ""


def apply(root: Path, change: Change) -> None:
    """Make one change below a project's folder; `do` names the verb, `path` the file."""
    VERBS[change["do"]](root, change)


def remove(root: Path, change: Change) -> None:
    path = root / change["path"]
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def write(root: Path, change: Change) -> None:
    path = root / change["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = change["text"] * change.get("times", 1)
    path.write_bytes(text.encode("utf-8") if "bytes" not in change else bytes(change["bytes"]))


def append(root: Path, change: Change) -> None:
    with (root / change["path"]).open("a", encoding="utf-8") as file:
        file.write(change["text"])


def prepend_bytes(root: Path, change: Change) -> None:
    path = root / change["path"]
    path.write_bytes(bytes(change["bytes"]) + path.read_bytes())


def truncate(root: Path, change: Change) -> None:
    path = root / change["path"]
    path.write_bytes(path.read_bytes()[: change["bytes"]])


def replace(root: Path, change: Change) -> None:
    path = root / change["path"]
    text = path.read_text(encoding="utf-8")
    assert change["old"] in text, "the case replaces nothing"
    path.write_text(text.replace(change["old"], change["new"]), encoding="utf-8")


def set_value(root: Path, change: Change) -> None:
    """Set the value at a JSON Pointer; an absent `value` takes it out."""
    path = root / change["path"]
    document = json.loads(path.read_bytes())
    *parents, last = change["pointer"].strip("/").split("/")
    place = document
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    key = int(last) if isinstance(place, list) else last
    if "value" in change:
        place[key] = change["value"]
    else:
        del place[key]
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def link(root: Path, change: Change) -> None:
    path = root / change["path"]
    path.unlink(missing_ok=True)
    path.symlink_to(change["target"])


def pipe(root: Path, change: Change) -> None:
    path = root / change["path"]
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def move(root: Path, change: Change) -> None:
    source, target = root / change["path"], root / change["to"]
    if target.is_dir():
        shutil.rmtree(target)
    source.rename(target)


def copy(root: Path, change: Change) -> None:
    source, target = root / change["path"], root / change["to"]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)


def age(root: Path, change: Change) -> None:
    """Let everything have happened that many seconds earlier: the times of files, and those that they tell."""
    folder, span = root / change["path"], timedelta(seconds=change["seconds"])
    for path in (path for path in folder.rglob("*") if path.is_file()):
        status = path.stat()
        if path.name in {"manifest.json", "report.json"}:
            document = json.loads(path.read_bytes())
            for name in ("started_at", "finished_at"):
                document[name] = (datetime.fromisoformat(document[name]) - span).isoformat()
            path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        os.utime(path, (status.st_atime - span.total_seconds(), status.st_mtime - span.total_seconds()))
    for manifest in folder.rglob("manifest.json"):
        relist(root, {"path": str(manifest.parent.relative_to(root))})


def demand(root: Path, change: Change) -> None:
    """Demand something else of a check from now on."""
    path = root / "checks.json"
    document = json.loads(path.read_bytes())
    [check] = [check for check in document["checks"] if check["name"] == change["check"]]
    check["demands"][change["name"]] = change["value"]
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def relist(root: Path, change: Change) -> None:
    """Write the digests of a check's files into its manifest anew, as a clumsy producer or a clever forger would."""
    folder = root / change["path"]
    manifest = folder / "manifest.json"
    document = json.loads(manifest.read_bytes())
    for entry in document["files"]:
        data = (folder / entry["path"]).read_bytes()
        entry.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    manifest.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def reseal(root: Path, change: Change) -> None:
    """Write all digests of a run anew and copy its verdict to where the latest one stands."""
    folder = root / change["path"]
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files
    ]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    for path in folder.glob("verdict.*"):
        shutil.copyfile(path, folder.parents[1] / f"latest{path.suffix}")


VERBS: dict[str, Callable[[Path, Change], None]] = {
    "age": age,
    "append": append,
    "copy": copy,
    "demand": demand,
    "link": link,
    "move": move,
    "pipe": pipe,
    "prepend": prepend_bytes,
    "relist": relist,
    "remove": remove,
    "replace": replace,
    "reseal": reseal,
    "set": set_value,
    "truncate": truncate,
    "write": write,
}
