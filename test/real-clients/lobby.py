"""One player in a lobby, by the standard library of Python alone: session, activity, leave."""

import json
import os
import urllib.request
import uuid

SCID = "bd6c41c3-01c3-468a-a3b5-3e0fe8133862"
DIRECTORY = "https://sessiondirectory.xboxlive.com"


def ask(method, path, body=None):
    headers = {"Authorization": os.environ["OPENMPSD_TOKEN"], "X-Xbl-Contract-Version": "107"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(DIRECTORY + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.status, json.loads(answer.read() or b"null")


reference = {"scid": SCID, "templateName": "deathmatch", "name": str(uuid.uuid4())}
path = f"/serviceconfigs/{SCID}/sessionTemplates/deathmatch/sessions/{reference['name']}"
me = {"properties": {"system": {"active": True}}}

status, session = ask("PUT", path, {"members": {"me": me}})
print("created", status, len(session["members"]))
status, handle = ask("POST", "/handles", {"version": 1, "type": "activity", "sessionRef": reference})
print("activity", status)
status, session = ask("GET", f"/handles/{handle['id']}/session")
print("by handle", status, session["changeNumber"])
status, _ = ask("PUT", path, {"members": {"me": None}})
print("left", status)
