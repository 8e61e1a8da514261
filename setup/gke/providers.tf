# Credentials come from the environment and from gcloud, never from a file here:
#
#   Google          application default credentials (gcloud auth application-default login)
#   Grafana Cloud   GRAFANA_CLOUD_ACCESS_POLICY_TOKEN
#   Kubernetes      the token of the Google account, for the cluster that is made here
provider "google" {
  project = var.project
  region  = var.region

  default_labels = local.labels
}

# The account: stacks, their service accounts, and access policies.
provider "grafana" {
  alias = "cloud"
}

# The stack's own Grafana: folders, dashboards, rules.
provider "grafana" {
  alias = "stack"
  url   = grafana_cloud_stack.this.url
  auth  = grafana_cloud_stack_service_account_token.terraform.key
}

provider "grafana" {
  alias           = "synthetics"
  sm_url          = grafana_synthetic_monitoring_installation.this.stack_sm_api_url
  sm_access_token = grafana_synthetic_monitoring_installation.this.sm_access_token
}

data "google_client_config" "current" {}

provider "kubernetes" {
  host                   = "https://${google_container_cluster.this.endpoint}"
  token                  = data.google_client_config.current.access_token
  cluster_ca_certificate = base64decode(google_container_cluster.this.master_auth[0].cluster_ca_certificate)
}

provider "helm" {
  kubernetes = {
    host                   = "https://${google_container_cluster.this.endpoint}"
    token                  = data.google_client_config.current.access_token
    cluster_ca_certificate = base64decode(google_container_cluster.this.master_auth[0].cluster_ca_certificate)
  }
}
