"""The kinds of values that the sections of a config are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _no_truth_value(value: object) -> object:
    """Pydantic would take true for 1, so that `model.freeze: true` would mean one epoch."""
    if isinstance(value, bool):
        raise PydanticCustomError("truth_value", "a number is needed, not true or false")
    return value


NUMBER = BeforeValidator(_no_truth_value)

Finite = Annotated[float, Field(allow_inf_nan=False), NUMBER]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0), NUMBER]
Probability = Annotated[float, Field(ge=0.0, le=1.0), NUMBER]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False), NUMBER]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False), NUMBER]
NonNegativeInteger = Annotated[int, Field(ge=0), NUMBER]
Count = Annotated[int, Field(ge=1), NUMBER]
Text = Annotated[str, Field(min_length=1)]
Amount = Count | Annotated[float, Field(gt=0.0, lt=1.0), NUMBER]
"""A number of batches, or a share of them."""


class Section(BaseModel):
    """What all sections share: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())
