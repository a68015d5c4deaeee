"""The page at ``/``: one file without data; its script asks the API. Only that script and that style may run."""

import base64
import hashlib
import re
from importlib import resources
from typing import Final

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.head("/")
async def page() -> Response:
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


def _hashes(tag: str) -> str:
    """CSP sources that allow exactly the inline ``<script>`` or ``<style>`` elements of the page (CSP level 2)."""
    bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", _PAGE, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" for body in bodies)


_PAGE: Final = resources.files("service.api").joinpath("page.html").read_text("utf-8")
_POLICY: Final = (
    f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
