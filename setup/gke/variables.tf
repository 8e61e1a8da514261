# What has no default must be in terraform.tfvars: copy terraform.tfvars.example.

variable "project" {
  description = "The Google Cloud project that pays, with billing enabled."
  type        = string

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{4,28}[a-z0-9]$", var.project))
    error_message = "project is a project's id: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "owner" {
  description = "Who to ask about it: the value of the label `owner` on everything that takes labels."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([-_a-z0-9]{0,61}[a-z0-9])?$", var.owner))
    error_message = "owner is the value of a label: at most 63 lower-case letters, digits, hyphens and underscores, neither of these first or last (Kubernetes)."
  }
}

variable "grafana_stack" {
  description = "The name of the new Grafana Cloud stack, and of its address: https://NAME.grafana.net. Unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,28}$", var.grafana_stack))
    error_message = "grafana_stack is 3 to 29 lower-case letters and digits."
  }
}

variable "name" {
  description = "The name of the cluster, and what the names of everything around it begin with."
  type        = string
  default     = "gameday"

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{2,18}[a-z0-9]$", var.name))
    error_message = "name is 4 to 20 lower-case letters, digits and hyphens; a letter first, no hyphen last."
  }
}

variable "region" {
  description = "The Google Cloud region of the network and of the registry."
  type        = string
  default     = "us-central1"
}

variable "zone" {
  description = "The zone of the cluster, in the region: a zonal cluster's management is free for one cluster of each billing account."
  type        = string
  default     = "us-central1-a"
}

variable "kubernetes_version" {
  description = "The oldest version the control plane may have. 1.36 is the first with MutatingAdmissionPolicy, which names the shop's images (images.yaml)."
  type        = string
  default     = "1.36"
}

variable "release_channel" {
  description = "The channel that GKE upgrades the cluster from: RAPID, REGULAR, STABLE or EXTENDED."
  type        = string
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "release_channel is RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "machine_type" {
  description = "The machine type of the nodes."
  type        = string
  default     = "e2-standard-2"
}

variable "node_count" {
  description = "How many nodes there are."
  type        = number
  default     = 2

  validation {
    condition     = var.node_count >= 1 && floor(var.node_count) == var.node_count
    error_message = "node_count is a whole number, at least 1."
  }
}

variable "authorized_networks" {
  description = "Who reaches the Kubernetes API, as CIDR ranges by a name each; everybody who has credentials when empty."
  type        = map(string)
  default     = {}
}

variable "grafana_region" {
  description = "The region of the Grafana Cloud stack, as the Cloud API's list of regions names it: us, eu, prod-us-east-0 for example."
  type        = string
  default     = "us"
}

variable "windows" {
  description = "The row of manifests/windows.yaml that alerts and experiments go by: gke, whose burn-rate windows are compressed so that a game day sees its alerts, or production, whose are not."
  type        = string
  default     = "gke"

  validation {
    condition     = contains(["gke", "production"], var.windows)
    error_message = "windows is gke or production: the rows of manifests/windows.yaml that fit this environment's scrape interval."
  }
}

variable "slack_webhook_url" {
  description = "Slack's incoming webhook, which alerts are sent to; none when empty. A secret: export SLACK_WEBHOOK_URL."
  type        = string
  default     = ""
  sensitive   = true
}

variable "slack_token" {
  description = "The token of a Slack bot (scope chat:write), which sends alerts when there is no webhook. A secret: export SLACK_TOKEN."
  type        = string
  default     = ""
  sensitive   = true
}

variable "slack_channel" {
  description = "The channel that the bot of slack_token writes to. Export SLACK_CHANNEL."
  type        = string
  default     = ""

  validation {
    condition     = var.slack_webhook_url != "" || (var.slack_token == "") == (var.slack_channel == "")
    error_message = "SLACK_TOKEN and SLACK_CHANNEL (slack_token, slack_channel) belong together: one of them is not set."
  }
}

variable "app_ready" {
  description = "Whether the shop runs: its synthetic checks are enabled then, and not before. setup/gke/up sets it."
  type        = bool
  default     = false
}
