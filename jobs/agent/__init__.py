"""The site agent: it dials out to the portal, takes signed work, runs it at the site and reports what happened.

It runs where no portal is installed: no Django, no database but its own SQLite file, and of our rooms only
`models_hub.specs`. The protocol is docs/site-protocol.md, the agent docs/agent.md.
"""

VERSION = "1.0"
PROTOCOL = "1"
