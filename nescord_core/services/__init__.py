"""The services, each with a folder of its own. The only place that joins the parts."""
