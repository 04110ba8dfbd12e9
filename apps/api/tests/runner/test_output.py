"""What is kept of a command's output: a beginning and an end within a limit, and no secret."""

from multyagents_api.runner.output import HEAD_BYTES, MOST_CHARACTERS, TAIL_BYTES, Output


def collected(*parts: bytes) -> Output:
    output = Output()
    for part in parts:
        output.add(part)
    return output


def test_a_little_is_kept_whole():
    """In the order in which it came, with what is no text replaced, NUL too."""
    assert collected(b"a\n", "ü".encode()[:1], "ü".encode()[1:], b"\xff\x00").text() == "a\nü\ufffd\ufffd"
    assert collected().text() == ""
    whole = bytes(range(32, 127)) * ((HEAD_BYTES + TAIL_BYTES) // 95)
    assert collected(*(whole[at : at + 1_000] for at in range(0, len(whole), 1_000))).text() == whole.decode()


def test_of_much_the_beginning_and_the_end_are_kept():
    """In whole lines, with a note of how much is missing; memory does not grow with it."""
    lines = [b"line %06d\n" % number for number in range(100_000)]
    output = collected(*lines)
    text = output.text()
    first, note, last = text.partition("\n[... ")
    assert first.splitlines() == [line.decode().strip() for line in lines[: first.count("\n") + 1]]
    ending = last.partition(" ...]\n")[2]
    assert ending.encode() == b"".join(lines)[-len(ending) :]
    assert note
    left_out = len(b"".join(lines)) - len(first) - len(ending)
    assert last.startswith(f"{left_out} bytes of {len(b''.join(lines))} left out")
    assert HEAD_BYTES - 20 < len(first) <= HEAD_BYTES
    assert TAIL_BYTES - 20 < len(ending) <= TAIL_BYTES


def test_no_secret_stands_in_it():
    """Neither what looks like one, nor what is known to be one, wherever parts and cuts fall."""
    output = collected(b"password=hun", b"ter2\nthe tok", b"en-of-ours is here\n")
    text = output.text(["token-of-ours"])
    assert "hunter2" not in text
    assert "token-of-ours" not in text
    assert text.count("[redacted]") == 2
    secret = b"password=hunter2hunter2\n"
    for shift in range(len(secret)):
        lines = [b"x" * shift + b"\n", *[secret] * 10_000]
        assert "hunter2" not in collected(*lines).text()


def test_the_rest_of_a_cut_private_key_is_left_out():
    """Its beginning fell into the middle, which is not kept."""
    key = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEsecret\n" * 15_000 + b"-----END RSA PRIVATE KEY-----\n"
    text = collected(b"before\n" * 10_000, key, b"after\n").text()
    assert "MIIEsecret" not in text
    assert text.endswith("after\n")


def test_redaction_does_not_make_it_too_long():
    """An artifact takes it, however many secrets there were."""
    assert len(collected(b"token=a\n" * 16_000).text()) < MOST_CHARACTERS + 100
