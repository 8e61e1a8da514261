"""The lab's node: runs pods' containers as local processes and reports as a kubelet does."""
