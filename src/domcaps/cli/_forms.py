"""Values of options of ``domcaps validate``, for click and for command lines without it."""

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit")
SEVERITIES = ("error", "warning", "notice")
