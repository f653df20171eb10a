"""The local web page with which one looks at the ranked predictions of a run."""

from saccade.browse.app import create_app
from saccade.browse.serve import serve

__all__ = ["create_app", "serve"]
