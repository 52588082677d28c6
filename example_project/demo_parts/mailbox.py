"""The e-mails that Django has written into files."""

from email import message_from_bytes, policy

# What Django writes between two messages in a file.
_BETWEEN = b"\n" + b"-" * 79 + b"\n"


def find_mail(folder, address):
    """Return the e-mail to an address, or None if there is none yet."""
    for path in folder.glob("*.log"):
        # What follows the last line of dashes is still being written.
        for content in path.read_bytes().split(_BETWEEN)[:-1]:
            message = message_from_bytes(content.lstrip(), policy=policy.default)
            if address in str(message["To"]):
                return message
    return None


def clear(folder):
    for path in folder.glob("*.log"):
        path.unlink()
