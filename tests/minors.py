"""The Kubernetes versions that manifests are held to."""

from kubernetes_validate.utils import all_versions, major_minor
from packaging.version import Version

#: The three newest that there are schemas for: what a cluster of today may have.
NEWEST = sorted({major_minor(version) for version in all_versions()}, key=Version)[-3:]
#: The oldest that kubectl is tried with (requirements-kubectl.lock).
OLDEST = "1.32"
