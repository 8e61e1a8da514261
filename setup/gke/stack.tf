# Grafana Cloud: the stack, who may do what in it, and the tokens that prove it. They are in the state, nowhere else.
resource "grafana_cloud_stack" "this" {
  provider = grafana.cloud

  name              = var.grafana_stack
  slug              = var.grafana_stack
  region_slug       = var.grafana_region
  description       = "Chaos game days on the GKE cluster ${var.name}, of ${var.owner}"
  labels            = local.labels
  delete_protection = false # setup/gke/down asks
}

locals {
  service_accounts = {
    terraform = "Admin"  # folders, dashboards, rules, contact points
    chaos     = "Editor" # what setup/gke/env exports: queries, reads alerts, writes annotations
  }
}

resource "grafana_cloud_stack_service_account" "this" {
  provider = grafana.cloud
  for_each = local.service_accounts

  stack_slug = grafana_cloud_stack.this.slug
  name       = each.key
  role       = each.value
}

resource "grafana_cloud_stack_service_account_token" "terraform" {
  provider = grafana.cloud

  stack_slug         = grafana_cloud_stack.this.slug
  service_account_id = grafana_cloud_stack_service_account.this["terraform"].id
  name               = "terraform"
}

resource "grafana_cloud_stack_service_account_token" "chaos" {
  provider = grafana.cloud

  stack_slug         = grafana_cloud_stack.this.slug
  service_account_id = grafana_cloud_stack_service_account.this["chaos"].id
  name               = "chaos"
}

# The collectors in the cluster write, and can read nothing.
resource "grafana_cloud_access_policy" "collectors" {
  provider = grafana.cloud

  name   = "${var.name}-collectors"
  region = grafana_cloud_stack.this.region_slug
  scopes = ["metrics:write", "logs:write", "traces:write"]

  realm {
    type       = "stack"
    identifier = grafana_cloud_stack.this.id
  }
}

resource "grafana_cloud_access_policy_token" "collectors" {
  provider = grafana.cloud

  name             = "${var.name}-collectors"
  region           = grafana_cloud_access_policy.collectors.region
  access_policy_id = grafana_cloud_access_policy.collectors.policy_id
}

# Synthetic monitoring publishes what its probes measure.
resource "grafana_cloud_access_policy" "synthetics" {
  provider = grafana.cloud

  name   = "${var.name}-synthetics"
  region = grafana_cloud_stack.this.region_slug
  scopes = ["stacks:read", "metrics:write", "logs:write", "traces:write"]

  realm {
    type       = "stack"
    identifier = grafana_cloud_stack.this.id
  }
}

resource "grafana_cloud_access_policy_token" "synthetics" {
  provider = grafana.cloud

  name             = "${var.name}-synthetics"
  region           = grafana_cloud_access_policy.synthetics.region
  access_policy_id = grafana_cloud_access_policy.synthetics.policy_id
}
