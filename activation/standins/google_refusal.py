"""A refusal of the stand-in of Google's APIs."""


class Refused(Exception):
    """A gRPC code, a reason of Google's lists, and the group Google Ads has it in."""

    def __init__(
        self, code: str, reason: str, *, field: str = "", wait_s: int = 0
    ) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.wait_s = code, reason, wait_s
        self.field = field or _GROUPS.get(reason, "user_list_error")


_GROUPS = {
    "DEVELOPER_TOKEN_INVALID": "authentication_error",
    "RESOURCE_TEMPORARILY_EXHAUSTED": "quota_error",
    "RESOURCE_EXHAUSTED": "quota_error",
}
