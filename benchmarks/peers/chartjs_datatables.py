"""A dashboard as it is often made: Chart.js, DataTables and one JSON of all accounts; nobody is asked who they are.

The two libraries are the files that the package robotframework-dashboard ships, as they are. The figures come from the
same database by raw SQL, are read once and kept as compressed bytes: what is compared is the page, not its server.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import psycopg2

ACCOUNTS = """
SELECT a.platform, a.handle, o.name, l.followers, l.change_30 FROM snapshots_latestsnapshot l
JOIN accounts_account a ON a.id = l.account_id JOIN accounts_organization o ON o.id = a.organization_id
WHERE a.is_active AND l.followers IS NOT NULL ORDER BY l.followers DESC
"""
TREND = "SELECT platform, date, SUM(followers)::bigint FROM snapshots_dailytotal GROUP BY 1, 2 ORDER BY 1, 2"
PAGE = b"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Followers</title>
<link rel="stylesheet" href="/datatables.css"><script src="/chart.js"></script><script src="/datatables.js"></script>
</head><body><h1>Followers</h1><div style="height:300px"><canvas id="chart"></canvas></div>
<table id="accounts"><thead><tr>
<th>Platform</th><th>Account</th><th>Organisation</th><th>Followers</th><th>30 days</th></tr>
</thead></table><script src="/page.js"></script></body></html>"""
SCRIPT = b"""
fetch("/data.json").then((answer) => answer.json()).then(({ accounts, trend }) => {
  const days = [...new Set(trend.map(([, day]) => day))];
  const platforms = [...new Set(trend.map(([platform]) => platform))];
  const options = { maintainAspectRatio: false };
  const line = (name) => ({ label: name, data: trend.filter(([p]) => p === name).map(([, x, y]) => ({ x, y })) });
  const chart = new Chart("chart", { type: "line", options, data: { labels: days, datasets: platforms.map(line) } });
  new DataTable("#accounts", { data: accounts, pageLength: 50, deferRender: true, scrollY: 500 });
  document.querySelector("#accounts tbody").addEventListener("click", (event) => {
    chart.data.datasets = [line(event.target.closest("tr").cells[0].textContent)];
    chart.update();
  });
});
"""


def _files() -> dict[str, tuple[str, bytes]]:
    found = importlib.util.find_spec("robotframework_dashboard")
    if found is None or found.origin is None:
        raise RuntimeError("robotframework-dashboard is not installed: run this through `make bench-pages`")
    theirs = Path(found.origin).parent / "dependencies"
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(ACCOUNTS)
        accounts = cursor.fetchall()
        cursor.execute(TREND)
        data = orjson.dumps({"accounts": accounts, "trend": cursor.fetchall()})
    files = {
        "/": ("text/html", PAGE),
        "/page.js": ("text/javascript", SCRIPT),
        "/data.json": ("application/json", data),
        "/chart.js": ("text/javascript", (theirs / "chart.js").read_bytes()),
        "/datatables.js": ("text/javascript", (theirs / "datatables.js").read_bytes()),
        "/datatables.css": ("text/css", (theirs / "datatables.css").read_bytes()),
    }
    return {path: (kind, gzip.compress(body, 6)) for path, (kind, body) in files.items()}


FILES = _files()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a path of FILES, compressed; what a browser may keep, it keeps."""
    if environ["PATH_INFO"] not in FILES:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    kind, body = FILES[environ["PATH_INFO"]]
    keep = "no-cache" if environ["PATH_INFO"] in {"/", "/data.json"} else "max-age=31536000"
    start_response(
        "200 OK",
        [
            ("Content-Type", kind),
            ("Content-Encoding", "gzip"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", keep),
        ],
    )
    return [body]
