"""The numbers behind the page. The made-up runs and how their numbers are counted stand in conftest.py."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
