"""Logins to cloud registries from what the machine already has: no helper, no cloud's own program.

================  ================================================================================
``aws`` ``ecr``   Amazon ECR and ECR Public: keys, profiles, web identity, containers, instances
``google``        Artifact Registry, Container Registry: access tokens, keys, federation, metadata
``azure``         Azure Container Registry: service principals, workload and managed identities
``forges``        GitHub's ghcr.io and GitLab's registries in their own CI
``providers``     which of them serves a registry
``model``         what they have in common;  ``exchange``, ``signature``: their tools
================  ================================================================================

Nothing is asked before a registry wants a login that no file and no helper has. A metadata service
is asked only where the machine says that it belongs to that cloud, and for two seconds at most.
"""
