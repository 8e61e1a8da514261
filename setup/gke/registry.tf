resource "google_artifact_registry_repository" "shop" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "The shop's images"
  labels        = local.labels

  depends_on = [google_project_service.needed]
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  repository = google_artifact_registry_repository.shop.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes.member
}
