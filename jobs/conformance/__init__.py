"""Does an agent keep to the site protocol, and a portal to its own? Scripted cases, without the portal's code."""
