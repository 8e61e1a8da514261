# The nodes' identity: Google's own role for exactly that, and the right to pull the shop's image.
resource "google_service_account" "nodes" {
  account_id   = "${var.name}-nodes"
  display_name = "Nodes of the GKE cluster ${var.name}"
}

resource "google_project_iam_member" "nodes" {
  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
}

resource "google_container_cluster" "this" {
  name     = var.name
  location = var.zone

  network         = google_compute_network.this.id
  subnetwork      = google_compute_subnetwork.this.id
  networking_mode = "VPC_NATIVE"
  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }
  datapath_provider = "ADVANCED_DATAPATH"

  min_master_version = var.kubernetes_version
  release_channel {
    channel = var.release_channel
  }

  # GKE makes a cluster with a pool; ours replaces it. Until then it must not have the default account's rights.
  remove_default_node_pool = true
  initial_node_count       = 1
  node_config {
    service_account = google_service_account.nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  dynamic "master_authorized_networks_config" {
    for_each = length(var.authorized_networks) == 0 ? [] : [var.authorized_networks]
    content {
      dynamic "cidr_blocks" {
        for_each = master_authorized_networks_config.value
        content {
          display_name = cidr_blocks.key
          cidr_block   = cidr_blocks.value
        }
      }
    }
  }

  # Grafana Cloud collects what the shop says; Google's own collection would be paid for twice.
  logging_config {
    enable_components = ["SYSTEM_COMPONENTS"]
  }
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]
    managed_prometheus {
      enabled = false
    }
  }

  resource_labels     = local.labels
  deletion_protection = false # setup/gke/down asks

  lifecycle {
    ignore_changes = [node_config] # the removed pool's
  }

  depends_on = [google_project_iam_member.nodes, google_project_service.needed]
}

resource "google_container_node_pool" "shop" {
  name       = "shop"
  cluster    = google_container_cluster.this.name
  location   = var.zone
  node_count = var.node_count

  node_config {
    machine_type    = var.machine_type
    disk_type       = "pd-balanced"
    disk_size_gb    = 50
    service_account = google_service_account.nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    labels          = { owner = var.owner }
    resource_labels = local.labels
    metadata        = { disable-legacy-endpoints = "true" }

    # Pods get no credentials of the node's.
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  depends_on = [google_artifact_registry_repository_iam_member.nodes]
}
