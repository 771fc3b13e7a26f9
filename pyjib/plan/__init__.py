"""Stage 2: from a project and options to a complete build plan. Pure.

``make_plan`` is the stage; ``listed_layers`` and ``jib_cli_layout`` plan what is no project,
``transform`` changes a plan, ``describe`` tells it.
"""
