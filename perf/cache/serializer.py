"""What may be stored in Redis: bytes as they are, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django_redis.serializers.base import BaseSerializer

_BYTES, _JSON = b"b", b"j"


class BytesOrJSON(BaseSerializer):
    """A django-redis serializer with one leading byte that says which of the two follows."""

    def dumps(self, value: Any) -> bytes:
        if isinstance(value, bytes):
            return _BYTES + value
        return _JSON + json.dumps(value, cls=DjangoJSONEncoder, separators=(",", ":")).encode()

    def loads(self, value: bytes) -> Any:
        """Bytes or the decoded JSON; ValueError for anything this class did not write."""
        kind, body = value[:1], value[1:]
        if kind == _BYTES:
            return body
        if kind == _JSON:
            return json.loads(body)
        raise ValueError("this value was not stored by BytesOrJSON")
