"""The services, one folder each. Only this package joins the parts (gateway, dispatch, rest, reload, ...)."""
