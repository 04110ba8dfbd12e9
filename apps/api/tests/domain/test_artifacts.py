"""Which fields of an artifact belong together, what a location may be, and what is kept of a content."""

import hashlib
from dataclasses import replace

import pytest

from multyagents_api.domain.artifacts import ArtifactDraft, ArtifactType, to_new_artifact
from multyagents_api.domain.errors import InvalidArtifact

SHA = "0123456789abcdef" * 4
FILE = ArtifactDraft(ArtifactType.FILE, "build", location="out/build.zip", sha256=SHA, size=0)
COMMIT = ArtifactDraft(ArtifactType.COMMIT, "fix", location="a" * 40)


@pytest.mark.parametrize("kind", [ArtifactType.TEXT, ArtifactType.DIFF, ArtifactType.REPORT])
@pytest.mark.parametrize("content", ["", "日本語 🎉", "x" * 1_000])
def test_what_is_kept_whole_has_the_digest_and_size_of_its_utf8(kind, content):
    """The server counts itself, in bytes."""
    new = to_new_artifact(ArtifactDraft(kind, "notes", content=content))
    assert (new.content, new.location) == (content, None)
    assert (new.sha256, new.size) == (
        hashlib.sha256(content.encode()).hexdigest(),
        len(content.encode()),
    )


def test_the_digest_is_that_of_the_text_without_secrets():
    """What is kept can be checked against it."""
    new = to_new_artifact(ArtifactDraft(ArtifactType.TEXT, "log", content="TOKEN=hunter2 and more"))
    assert new.content == "TOKEN=[redacted] and more"
    assert new.sha256 == hashlib.sha256(new.content.encode()).hexdigest()
    assert new.size == len(new.content)


def test_of_a_file_the_client_says_where_and_what_it_is():
    """Nothing is computed, and nothing is looked up."""
    new = to_new_artifact(FILE)
    assert (new.content, new.location, new.sha256, new.size) == (None, "out/build.zip", SHA, 0)


def test_a_commit_has_its_id_and_perhaps_a_message():
    """The digest is that of the message, or of the id where there is none."""
    bare = to_new_artifact(COMMIT)
    assert (bare.location, bare.content, bare.size) == ("a" * 40, None, 40)
    told = to_new_artifact(replace(COMMIT, location="b" * 64, content="fix: password=hunter2"))
    assert (told.location, told.content) == ("b" * 64, "fix: password=[redacted]")
    assert told.sha256 == hashlib.sha256(b"fix: password=[redacted]").hexdigest()


@pytest.mark.parametrize(
    ("draft", "place"),
    [
        (ArtifactDraft(ArtifactType.TEXT, "n"), "content"),
        (ArtifactDraft(ArtifactType.DIFF, "n", content="x", location="a/b"), "location"),
        (ArtifactDraft(ArtifactType.REPORT, "n", content="x", sha256=SHA), "sha256"),
        (ArtifactDraft(ArtifactType.TEXT, "n", content="x", size=1), "size"),
        (replace(FILE, content=""), "content"),
        (replace(FILE, location=None), "location"),
        (replace(FILE, sha256=None), "sha256"),
        (replace(FILE, size=None), "size"),
        (replace(COMMIT, location=None), "location"),
        (replace(COMMIT, sha256=SHA), "sha256"),
        (replace(COMMIT, size=1), "size"),
        *[
            (replace(COMMIT, location=wrong), "location")
            for wrong in ("", "A" * 40, "a" * 41, "a" * 40 + "\n")
        ],
    ],
)
def test_a_field_that_does_not_go_with_the_type_is_told(draft, place):
    """Missing, superfluous or misshapen: the refusal has the place."""
    with pytest.raises(InvalidArtifact) as refused:
        to_new_artifact(draft)
    assert refused.value.place == (place,)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/etc/passwd",
        "//host/share",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "..\\x",
        "\\\\host\\share",
        "C:/x",
        "c:x",
        "a\x00b",
    ],
)
def test_a_location_leads_down(location):
    """Absolute, climbing, of another system or not in its plain form: refused."""
    with pytest.raises(InvalidArtifact):
        to_new_artifact(replace(FILE, location=location))


@pytest.mark.parametrize(
    "location", ["a", "a/b.c", "..a/b..", "...", "日本語/🎉", "a b/~x", "ab:c", ".git/HEAD"]
)
def test_a_plain_relative_path_is_fine(location):
    """Dots within a name lead nowhere."""
    assert to_new_artifact(replace(FILE, location=location)).location == location
