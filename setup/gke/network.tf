resource "google_project_service" "needed" {
  for_each = toset(["artifactregistry.googleapis.com", "compute.googleapis.com", "container.googleapis.com"])

  service            = each.key
  disable_on_destroy = false # others in the project may use it
}

resource "google_compute_network" "this" {
  name                    = var.name
  auto_create_subnetworks = false

  depends_on = [google_project_service.needed]
}

# VPC-native: pods and Services have ranges of their own in the subnetwork.
resource "google_compute_subnetwork" "this" {
  name                     = var.name
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = "10.10.0.0/24"
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.20.0.0/16"
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.30.0.0/20"
  }
}
