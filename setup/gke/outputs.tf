output "grafana_url" {
  description = "The stack's Grafana."
  value       = grafana_cloud_stack.this.url
}

output "grafana_token" {
  description = "The token that experiments use (GRAFANA_TOKEN)."
  value       = grafana_cloud_stack_service_account_token.chaos.key
  sensitive   = true
}

output "connect" {
  description = "The command that points KUBECONFIG at the cluster."
  value       = "gcloud container clusters get-credentials ${google_container_cluster.this.name} --location=${google_container_cluster.this.location} --project=${var.project}"
}

output "environment" {
  description = "The row of manifests/windows.yaml whose rules are loaded (CHAOS_ENVIRONMENT)."
  value       = var.windows
}

output "registry" {
  description = "What the shop's images are pushed to."
  value       = google_artifact_registry_repository.shop.registry_uri
}

output "checks_enabled" {
  description = "Whether the synthetic checks are enabled."
  value       = alltrue([for check in grafana_synthetic_monitoring_check.service : check.enabled])
}
