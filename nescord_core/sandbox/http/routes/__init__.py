"""Routes that answer an operation themselves, one module per resource.

Operations without one are answered by the model (``model_routes``).
"""
