"""Stage 2: from a project and options to a complete build plan. Pure."""

from pyjib.plan.describe import describe_plan
from pyjib.plan.jib_cli_layout import plan_archive
from pyjib.plan.listed_layers import plan_listed
from pyjib.plan.make_plan import make_plan
from pyjib.plan.transform import transform
from pyjib.plan.warnings import plan_warnings

__all__ = [
    "describe_plan",
    "make_plan",
    "plan_archive",
    "plan_listed",
    "plan_warnings",
    "transform",
]
